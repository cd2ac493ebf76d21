// FakeNvml.cpp - libnvidia-ml.so.1 as the fake driver plays it: a GPU that is always the same.
#include <cstdio>

extern "C" {
int nvmlInit_v2() { return 0; }
int nvmlShutdown() { return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char *, void **device) {
  static int handle;
  *device = &handle;
  return 0;
}
int nvmlDeviceGetClockInfo(void *, int type, unsigned *megahertz) {
  *megahertz = type == 1 ? 1980 : 2619;
  return 0;
}
int nvmlDeviceGetPowerUsage(void *, unsigned *milliwatts) {
  *milliwatts = 412500;
  return 0;
}
int nvmlDeviceGetTemperature(void *, int, unsigned *celsius) {
  *celsius = 54;
  return 0;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void *, unsigned long long *reasons) {
  *reasons = 0x4;
  return 0;
}
int nvmlSystemGetDriverVersion(char *text, unsigned length) {
  std::snprintf(text, length, "580.0.fake");
  return 0;
}
}
