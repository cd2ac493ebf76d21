/* runtime.h - the C API of FlashCore's runtime: open a device, load PTX that fcc wrote, launch its
 * kernels.
 *
 *   fc_device *device;  fc_module *module;  fc_launch *launch;
 *   if (fc_device_open("auto", &device) || fc_module_load_file(device, "attn.ptx", &module) ||
 *       fc_launch_create(module, "attention", &launch))
 *     die(fc_last_error());
 *   int64_t shape[4] = {1, 8, 512, 64};
 *   fc_tensor q = {q_data, FC_F16, 4, shape, NULL};
 *   fc_launch_tensor(launch, "q", &q);  ...
 *   fc_launch_float(launch, "scale", 0.125);          -- or leave it to its default
 *   if (fc_launch_run(launch, stream)) die(fc_last_error());
 *
 * Nothing here aborts, prints or throws. Every function that can fail returns an fc_status and
 * leaves a sentence in fc_last_error(), which belongs to the calling thread. Devices and modules
 * may be used from several threads at once; an fc_launch by one thread at a time. A module keeps
 * its device alive and a launch its module, so handles may be closed in any order. Strings that are
 * returned live as long as the handle they came from, or until the next call on the same fc_launch.
 */
#ifndef FC_RUNTIME_H
#define FC_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define FC_API
#else
#define FC_API __attribute__((visibility("default")))
#endif

typedef enum fc_status {
  FC_OK = 0,
  FC_ERROR_ARGUMENT = 1,    /* a null handle, an unknown option */
  FC_ERROR_NOT_FOUND = 2,   /* no such file, kernel or parameter */
  FC_ERROR_MODULE = 3,      /* the PTX or its manifest is wrong */
  FC_ERROR_REFUSED = 4,     /* a launch that the manifest does not allow */
  FC_ERROR_FAULT = 5,       /* the device stopped; on the emulator, what the kernel did wrong */
  FC_ERROR_UNSUPPORTED = 6, /* no such device here */
  FC_ERROR_MEMORY = 7
} fc_status;

typedef enum fc_dtype {
  FC_F32 = 0,
  FC_F16 = 1,
  FC_BF16 = 2,
  FC_F8E4M3 = 3,
  FC_F8E5M2 = 4,
  FC_I8 = 5,
  FC_U8 = 6,
  FC_I16 = 7,
  FC_I32 = 8,
  FC_U32 = 9,
  FC_I64 = 10,
  FC_BOOL = 11 /* one byte, 0 or 1 */
} fc_dtype;

typedef struct fc_device fc_device;
typedef struct fc_module fc_module;
typedef struct fc_launch fc_launch;

/* A tensor of the caller. The memory is the device's (the emulator's is the host's). Shape and
 * strides count elements; strides NULL: row-major without gaps. The last stride must be 1. data
 * NULL: no tensor, where the kernel allows it; its shape, if given, still says the dimensions. */
typedef struct fc_tensor {
  void *data;
  int32_t dtype; /* an fc_dtype */
  int32_t rank;
  const int64_t *shape;
  const int64_t *strides;
} fc_tensor;

/* A parameter of a kernel. */
typedef struct fc_param {
  const char *name;
  const char *text; /* as the .fc says: "f16[B, H, M, D]", "f32" */
  int32_t dtype;    /* an fc_dtype; of a scalar FC_F32, FC_I64 or FC_BOOL */
  int32_t rank;     /* -1: a scalar */
  int32_t is_output;
  int32_t is_nullable; /* the pointer may be NULL */
  int32_t has_default; /* a scalar that need not be given */
} fc_param;

/* "0.1.0" */
FC_API const char *fc_version(void);
/* What the last failing call of this thread said; "" if none failed yet. Until the thread's next
 * failing call. */
FC_API const char *fc_last_error(void);
/* For a fault that the emulator found, its short name ("OOB", "DEADLOCK"); for an error of the
 * NVIDIA driver, its name ("CUDA_ERROR_OUT_OF_MEMORY"); else "". */
FC_API const char *fc_last_error_id(void);

/* --- devices --- */

/* "emulator"; "cuda" (the first GPU) or "cuda:1"; or "auto": the first GPU where there is one that
 * works, else the emulator. A GPU is reached through libcuda.so.1, which is opened now; the
 * environment variable FLASHCORE_CUDA_LIBRARY names another library, or `none`. The device works in
 * the primary context, which it shares with the program (the CUDA runtime, PyTorch); pointers and
 * streams of that context are its own. Why a GPU cannot be used is in fc_last_error(). */
FC_API fc_status fc_device_open(const char *name, fc_device **device);
FC_API void fc_device_close(fc_device *device);
FC_API const char *fc_device_name(const fc_device *device); /* "emulator" or "cuda" */
/* "cuda:0 (NVIDIA H100 80GB HBM3)" */
FC_API const char *fc_device_title(const fc_device *device);
/* Of the emulator: "seed" (a number), "async" ("lazy", "eager", "random": when asynchronous copies
 * land), "threads" (of the host; 0: one per core), "races" ("on", "off"), "exact-mma" ("on",
 * "off"), "max-instructions" (of a block, before it is given up as endless; 0: never), "sms" (a
 * number). Holds for launches from now on. */
FC_API fc_status fc_device_set_option(fc_device *device, const char *key, const char *value);
/* Memory of the device, aligned to 256 bytes. Copies wait until they are done. */
FC_API fc_status fc_device_allocate(fc_device *device, size_t bytes, void **memory);
FC_API void fc_device_release(fc_device *device, void *memory);
FC_API fc_status fc_device_upload(fc_device *device, void *to, const void *from_host, size_t bytes,
                                  void *stream);
FC_API fc_status fc_device_download(fc_device *device, void *to_host, const void *from,
                                    size_t bytes, void *stream);
FC_API fc_status fc_device_synchronize(fc_device *device, void *stream);

/* --- modules --- */

/* Loads PTX (not necessarily zero-terminated) or, on a GPU, a cubin. `name` is for messages. The
 * same content is loaded once a device. */
FC_API fc_status fc_module_load(fc_device *device, const void *bytes, size_t size, const char *name,
                                fc_module **module);
FC_API fc_status fc_module_load_file(fc_device *device, const char *path, fc_module **module);
FC_API void fc_module_unload(fc_module *module);
/* The manifest, as JSON; docs/manifest.md says what is in it. */
FC_API const char *fc_module_manifest(const fc_module *module);
FC_API size_t fc_module_kernel_count(const fc_module *module);
/* NULL if there is no such kernel. */
FC_API const char *fc_module_kernel_name(const fc_module *module, size_t kernel);
/* Parameters in launch order: inputs and scalars as written, then outputs. 0 if there is no such
 * kernel. */
FC_API size_t fc_module_param_count(const fc_module *module, const char *kernel);
FC_API fc_status fc_module_param(const fc_module *module, const char *kernel, size_t index,
                                 fc_param *param);

/* --- launches --- */

/* A launch of a kernel, with no arguments yet. `kernel` NULL: the only one. */
FC_API fc_status fc_launch_create(const fc_module *module, const char *kernel, fc_launch **launch);
FC_API void fc_launch_destroy(fc_launch *launch);
/* Arguments stay until they are given anew. Of `tensor` all but the data is copied; NULL takes it
 * back. */
FC_API fc_status fc_launch_tensor(fc_launch *launch, const char *name, const fc_tensor *tensor);
FC_API fc_status fc_launch_int(fc_launch *launch, const char *name, int64_t value);
FC_API fc_status fc_launch_float(fc_launch *launch, const char *name, double value);
FC_API fc_status fc_launch_bool(fc_launch *launch, const char *name, int value);
/* The shape that a tensor of this launch must have, by the tensors given so far: how outputs are
 * allocated. At most `capacity` extents are written; the rank is in fc_param. */
FC_API fc_status fc_launch_shape(fc_launch *launch, const char *name, int64_t *shape,
                                 size_t capacity);
/* Checks every argument, without running. */
FC_API fc_status fc_launch_check(fc_launch *launch);
/* Checks and runs on `stream` (NULL: the default one). On a GPU it returns when the work is
 * enqueued. */
FC_API fc_status fc_launch_run(fc_launch *launch, void *stream);
/* Counters of the last run as a JSON object, "{}" where the device counts nothing. */
FC_API const char *fc_launch_counters(fc_launch *launch);
/* Seconds that the last run took, where the device runs synchronously; else 0. */
FC_API double fc_launch_seconds(const fc_launch *launch);
/* The variant of the kernel that the last run took; "" if there was nothing to do. */
FC_API const char *fc_launch_variant(const fc_launch *launch);

#ifdef __cplusplus
}
#endif
#endif
