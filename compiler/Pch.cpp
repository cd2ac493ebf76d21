// Pch.cpp - owns the precompiled header that the compiler libraries share
