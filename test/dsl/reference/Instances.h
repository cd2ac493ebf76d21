// Instances.h - a small valid launch for each program of test/dsl/examples.
#pragma once
#include "dsl/Frontend.h"
#include "dsl/Reference.h"
#include <functional>
#include <map>
#include <random>
#include <string>

namespace fc::dsl::test {

/// How to launch a program: its compile-time parameters and dimensions are small and divide
/// nothing. Float inputs are random; `fill` gives the integer ones and those that have to mean
/// something.
struct Instance {
  Defines defines;
  Dims dims;
  Scalars scalars;
  std::function<void(Arguments &, std::mt19937_64 &)> fill;
};

/// By file name without ".fc".
const std::map<std::string, Instance> &instances();

/// The arguments of all kernels of the program: what `instance.fill` gives, and random floats for
/// the other inputs that no kernel before them makes.
Arguments argumentsFor(const Program &program, const Instance &instance, uint64_t seed);

} // namespace fc::dsl::test
