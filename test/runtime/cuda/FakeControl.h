// FakeControl.h - how tests speak to the fake driver (FakeDriver.cpp).
//
// libfakecuda.so exports the functions of libcuda.so.1 that the runtime calls, and plays a machine
// with GPUs. Launches run on our emulator, or are recorded only. A plan, from fakeConfigure or
// from $FLASHCORE_FAKE_CUDA, is a list of words:
//
//   devices=N          how many (1)
//   capability=NN      of all devices (80)
//   version=NNNNN      of the driver (13000)
//   memory=BYTES       of each device (16 GiB)
//   missing=NAME       cuGetProcAddress does not know this function; may be repeated
//   fail=NAME:CODE     this function returns CODE, always
//   fail=NAME:CODE@N   at its N-th call; may be repeated. A code that kills a context stays.
//   log=TEXT           what the compiler of PTX says ('_' for a space)
//   pools=0            the devices cannot allocate on streams
//   static=BYTES       static shared memory of every kernel (0)
//   record             do not run kernels; accept any code
//   idle               nor record what is called most: a launch costs nothing
#pragma once

extern "C" {
/// Starts anew: no devices in use, no calls recorded. Returns 0, or 1 if the plan is not
/// understood.
int fakeConfigure(const char *plan);
/// The calls since then, one a line: `cuLaunchKernelEx causal grid 4,1,1 block 128,1,1 shared 16384
/// cluster 1,1,1 stream 0`. Valid until the next call of this thread.
const char *fakeCalls();
/// How often a function was called.
int fakeCount(const char *name);
/// Bytes that were allocated and not freed.
unsigned long long fakeAllocated();
}
