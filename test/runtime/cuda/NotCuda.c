/* NotCuda.c - a library that is no driver. */
int fakeNothing(void) { return 0; }
