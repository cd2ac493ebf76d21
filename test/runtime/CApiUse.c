/* CApiUse.c - the runtime as a C program uses it; compiled as C, so that the header stays C.
 *
 * Returns NULL if all went well, else what did not. */
#include "runtime/include/fc/runtime.h"
#include <stdio.h>
#include <string.h>

#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      snprintf(message, sizeof message, "line %d: %s (last error: %s)", __LINE__, #condition,      \
               fc_last_error());                                                                   \
      return message;                                                                              \
    }                                                                                              \
  } while (0)

const char *useFromC(const char *ptxPath);

const char *useFromC(const char *ptxPath) {
  static char message[1024];
  fc_device *device = NULL;
  fc_module *module = NULL;
  fc_launch *launch = NULL;
  EXPECT(strcmp(fc_version(), "0.1.0") == 0);
  EXPECT(fc_device_open("emulator", &device) == FC_OK);
  EXPECT(strcmp(fc_device_name(device), "emulator") == 0);
  EXPECT(fc_device_set_option(device, "seed", "7") == FC_OK);
  EXPECT(fc_device_set_option(device, "threads", "1") == FC_OK);
  EXPECT(fc_module_load_file(device, ptxPath, &module) == FC_OK);

  EXPECT(fc_module_kernel_count(module) == 2);
  EXPECT(strcmp(fc_module_kernel_name(module, 1), "plus") == 0);
  EXPECT(fc_module_kernel_name(module, 2) == NULL);
  EXPECT(fc_module_param_count(module, "plus") == 4);
  fc_param param;
  EXPECT(fc_module_param(module, "plus", 1, &param) == FC_OK);
  EXPECT(strcmp(param.name, "c") == 0 && param.rank == -1 && param.has_default &&
         param.dtype == FC_F32);
  EXPECT(fc_module_param(module, "plus", 3, &param) == FC_OK);
  EXPECT(strcmp(param.text, "f32[N]") == 0 && param.rank == 1 && param.is_output &&
         !param.is_nullable);
  EXPECT(strstr(fc_module_manifest(module), "\"format\": 1") != NULL);

  float y[40], w[40], z[40];
  for (int i = 0; i < 40; ++i) {
    y[i] = (float)i;
    w[i] = 2;
    z[i] = -1;
  }
  int64_t shape[1] = {40}, found[1] = {0};
  fc_tensor tensor = {y, FC_F32, 1, shape, NULL};
  EXPECT(fc_launch_create(module, "plus", &launch) == FC_OK);
  EXPECT(fc_launch_tensor(launch, "y", &tensor) == FC_OK);
  EXPECT(fc_launch_shape(launch, "z", found, 1) == FC_OK && found[0] == 40);
  tensor.data = w;
  EXPECT(fc_launch_tensor(launch, "w", &tensor) == FC_OK);
  tensor.data = z;
  EXPECT(fc_launch_tensor(launch, "z", &tensor) == FC_OK);
  EXPECT(fc_launch_check(launch) == FC_OK);
  EXPECT(fc_launch_run(launch, NULL) == FC_OK);
  EXPECT(z[0] == 82 && z[39] == 121); /* c = 1 + N = 41 */
  EXPECT(fc_launch_float(launch, "c", 0.5) == FC_OK);
  EXPECT(fc_launch_run(launch, NULL) == FC_OK);
  EXPECT(z[39] == 40);
  EXPECT(strcmp(fc_launch_variant(launch), "scalar") == 0);
  EXPECT(strstr(fc_launch_counters(launch), "\"warp_instructions\":") != NULL);
  EXPECT(fc_launch_seconds(launch) > 0);

  /* Refusals, and that the launch is good again after them. */
  tensor.dtype = FC_F16;
  EXPECT(fc_launch_tensor(launch, "z", &tensor) == FC_ERROR_REFUSED);
  EXPECT(strcmp(fc_last_error(), "kernel `plus`: `z` is f16, expected `f32[N]`") == 0);
  EXPECT(fc_launch_int(launch, "d", 3) == FC_ERROR_NOT_FOUND);
  EXPECT(fc_launch_bool(launch, "c", 1) == FC_OK);
  EXPECT(fc_launch_run(launch, NULL) == FC_ERROR_REFUSED);
  EXPECT(fc_launch_int(launch, "c", 2) == FC_OK);
  EXPECT(fc_launch_run(launch, NULL) == FC_OK && z[39] == 43);
  EXPECT(fc_launch_tensor(launch, "w", NULL) == FC_OK);
  EXPECT(fc_launch_check(launch) == FC_ERROR_REFUSED);

  /* Handles may go in any order. */
  fc_device_close(device);
  fc_module_unload(module);
  EXPECT(fc_launch_check(launch) == FC_ERROR_REFUSED);
  fc_launch_destroy(launch);
  return NULL;
}
