// CApi.cpp - the C API over Runtime.h: handles, null checks, and nothing thrown past this file.
#include "runtime/Counters.h"
#include "runtime/Runtime.h"
#include "runtime/include/fc/runtime.h"
#include <new>

using namespace fc::rt;

struct fc_device {
  std::shared_ptr<Device> device;
  std::string name, title;
};
struct fc_module {
  std::shared_ptr<const Module> module;
  /// Param::text() of each, which fc_param points to.
  std::vector<std::vector<std::string>> texts;
};
struct fc_launch {
  Launch launch;
  std::string counters;
};

namespace {

static_assert(static_cast<int>(Elem::Bool) == FC_BOOL && static_cast<int>(Elem::I32) == FC_I32 &&
              static_cast<int>(Elem::F8E4M3) == FC_F8E4M3);
static_assert(static_cast<int>(Code::Memory) == FC_ERROR_MEMORY &&
              static_cast<int>(Code::Refused) == FC_ERROR_REFUSED);

struct LastError {
  std::string message, id;
};
LastError &lastError() {
  thread_local LastError error;
  return error;
}

fc_status report(const Error &error) {
  lastError() = {error.message, error.id};
  return static_cast<fc_status>(error.code);
}

/// Runs `body(error)`, which says by its result whether all went well, and turns what it throws (in
/// practice: no memory) into a status.
template <class Body> fc_status guarded(Body body) noexcept {
  Error error;
  try {
    if (body(error))
      return FC_OK;
    return report(error);
  } catch (const std::bad_alloc &) {
    try {
      error.set(Code::Memory, "out of memory");
      return report(error);
    } catch (...) {
      return FC_ERROR_MEMORY;
    }
  } catch (const std::exception &exception) {
    try {
      error.set(Code::Argument, "{}", exception.what());
      return report(error);
    } catch (...) {
      return FC_ERROR_ARGUMENT;
    }
  }
}

bool missing(Error &error, const char *what) {
  return error.set(Code::Argument, "{} is NULL", what);
}

fc_status setScalar(fc_launch *launch, const char *name, Value value) {
  return guarded([&](Error &error) {
    if (!launch || !name)
      return missing(error, launch ? "the name" : "the launch");
    return launch->launch.setScalar(name, value, error);
  });
}

} // namespace

const char *fc_version(void) { return version.data(); }
const char *fc_last_error(void) { return lastError().message.c_str(); }
const char *fc_last_error_id(void) { return lastError().id.c_str(); }

fc_status fc_device_open(const char *name, fc_device **device) {
  return guarded([&](Error &error) {
    if (!name || !device)
      return missing(error, name ? "the place for the device" : "the name");
    *device = nullptr;
    auto opened = openDevice(name, error);
    if (!opened)
      return false;
    const std::string opensAs = opened->name(), title = opened->title();
    *device = new fc_device{std::move(opened), opensAs, title};
    return true;
  });
}

void fc_device_close(fc_device *device) { delete device; }

const char *fc_device_name(const fc_device *device) { return device ? device->name.c_str() : ""; }
const char *fc_device_title(const fc_device *device) { return device ? device->title.c_str() : ""; }

fc_status fc_device_set_option(fc_device *device, const char *key, const char *value) {
  return guarded([&](Error &error) {
    if (!device || !key || !value)
      return missing(error, !device ? "the device" : !key ? "the option" : "its value");
    return device->device->setOption(key, value, error);
  });
}

fc_status fc_device_allocate(fc_device *device, size_t bytes, void **memory) {
  return guarded([&](Error &error) {
    if (!device || !memory)
      return missing(error, device ? "the place for the address" : "the device");
    *memory = device->device->allocate(bytes, error);
    return *memory != nullptr;
  });
}

void fc_device_release(fc_device *device, void *memory) {
  if (device && memory)
    device->device->release(memory);
}

fc_status fc_device_upload(fc_device *device, void *to, const void *from_host, size_t bytes,
                           void *stream) {
  return guarded([&](Error &error) {
    if (!device || (bytes && (!to || !from_host)))
      return missing(error, device ? "an address" : "the device");
    return device->device->upload(to, from_host, bytes, stream, error);
  });
}

fc_status fc_device_download(fc_device *device, void *to_host, const void *from, size_t bytes,
                             void *stream) {
  return guarded([&](Error &error) {
    if (!device || (bytes && (!to_host || !from)))
      return missing(error, device ? "an address" : "the device");
    return device->device->download(to_host, from, bytes, stream, error);
  });
}

fc_status fc_device_synchronize(fc_device *device, void *stream) {
  return guarded([&](Error &error) {
    return device ? device->device->synchronize(stream, error) : missing(error, "the device");
  });
}

namespace {

fc_module *wrap(std::shared_ptr<const Module> module) {
  auto *handle = new fc_module{std::move(module), {}};
  for (const KernelSpec &kernel : handle->module->manifest().kernels) {
    auto &texts = handle->texts.emplace_back();
    for (const Param &param : kernel.params)
      texts.push_back(param.text());
  }
  return handle;
}

} // namespace

fc_status fc_module_load(fc_device *device, const void *bytes, size_t size, const char *name,
                         fc_module **module) {
  return guarded([&](Error &error) {
    if (!device || !bytes || !module)
      return missing(error, !device  ? "the device"
                            : !bytes ? "the PTX"
                                     : "the place for the module");
    *module = nullptr;
    auto loaded = Module::load(device->device, {static_cast<const char *>(bytes), size},
                               name ? name : "the PTX", error);
    if (loaded)
      *module = wrap(std::move(loaded));
    return *module != nullptr;
  });
}

fc_status fc_module_load_file(fc_device *device, const char *path, fc_module **module) {
  return guarded([&](Error &error) {
    if (!device || !path || !module)
      return missing(error, !device ? "the device"
                            : !path ? "the path"
                                    : "the place for the module");
    *module = nullptr;
    auto loaded = Module::loadFile(device->device, path, error);
    if (loaded)
      *module = wrap(std::move(loaded));
    return *module != nullptr;
  });
}

void fc_module_unload(fc_module *module) { delete module; }

const char *fc_module_manifest(const fc_module *module) {
  return module ? module->module->manifestText().c_str() : "";
}

size_t fc_module_kernel_count(const fc_module *module) {
  return module ? module->module->manifest().kernels.size() : 0;
}

const char *fc_module_kernel_name(const fc_module *module, size_t kernel) {
  if (kernel >= fc_module_kernel_count(module))
    return nullptr;
  return module->module->manifest().kernels[kernel].name.c_str();
}

size_t fc_module_param_count(const fc_module *module, const char *kernel) {
  const auto index = module && kernel ? module->module->find(kernel) : std::nullopt;
  return index ? module->module->manifest().kernels[*index].params.size() : 0;
}

fc_status fc_module_param(const fc_module *module, const char *kernel, size_t index,
                          fc_param *param) {
  return guarded([&](Error &error) {
    if (!module || !kernel || !param)
      return missing(error, !module   ? "the module"
                            : !kernel ? "the kernel"
                                      : "the place for the parameter");
    const auto number = module->module->find(kernel);
    if (!number)
      return error.set(Code::NotFound, "{}: there is no kernel `{}`", module->module->name(),
                       kernel);
    const KernelSpec &spec = module->module->manifest().kernels[*number];
    if (index >= spec.params.size())
      return error.set(Code::NotFound, "kernel `{}` has {} parameters, and number {} was asked for",
                       kernel, spec.params.size(), index);
    const Param &it = spec.params[index];
    *param = {it.name.c_str(),
              module->texts[*number][index].c_str(),
              static_cast<int32_t>(it.elem),
              it.isTensor() ? static_cast<int32_t>(it.shape.size()) : -1,
              it.output,
              it.nullable,
              it.init.has_value()};
    return true;
  });
}

fc_status fc_launch_create(const fc_module *module, const char *kernel, fc_launch **launch) {
  return guarded([&](Error &error) {
    if (!module || !launch)
      return missing(error, module ? "the place for the launch" : "the module");
    *launch = nullptr;
    const auto &kernels = module->module->manifest().kernels;
    size_t index = 0;
    if (kernel) {
      const auto found = module->module->find(kernel);
      if (!found)
        return error.set(Code::NotFound, "{}: there is no kernel `{}`", module->module->name(),
                         kernel);
      index = *found;
    } else if (kernels.size() != 1) {
      return error.set(Code::Argument, "{}: it has {} kernels, so say which one",
                       module->module->name(), kernels.size());
    }
    *launch = new fc_launch{Launch(module->module, index), {}};
    return true;
  });
}

void fc_launch_destroy(fc_launch *launch) { delete launch; }

fc_status fc_launch_tensor(fc_launch *launch, const char *name, const fc_tensor *tensor) {
  return guarded([&](Error &error) {
    if (!launch || !name)
      return missing(error, launch ? "the name" : "the launch");
    if (!tensor) {
      launch->launch.clear(name);
      return true;
    }
    if (tensor->dtype < FC_F32 || tensor->dtype > FC_BOOL)
      return error.set(Code::Argument, "`{}` has dtype {}, which is no fc_dtype", name,
                       tensor->dtype);
    if (tensor->rank < 0 || tensor->rank > 64 || (tensor->rank > 0 && !tensor->shape))
      return error.set(Code::Argument, "`{}` has rank {} and {} shape", name, tensor->rank,
                       tensor->shape ? "a" : "no");
    const auto rank = static_cast<size_t>(tensor->rank);
    if (launch->launch.moveTensor(name, static_cast<Elem>(tensor->dtype), {tensor->shape, rank},
                                  {tensor->strides, tensor->strides ? rank : 0}, tensor->data))
      return true;
    TensorRef ref;
    ref.data = tensor->data;
    ref.elem = static_cast<Elem>(tensor->dtype);
    ref.shape.assign(tensor->shape, tensor->shape + tensor->rank);
    if (tensor->strides)
      ref.strides.assign(tensor->strides, tensor->strides + tensor->rank);
    return launch->launch.setTensor(name, std::move(ref), error);
  });
}

fc_status fc_launch_int(fc_launch *launch, const char *name, int64_t value) {
  return setScalar(launch, name, Value::ofInt(value));
}
fc_status fc_launch_float(fc_launch *launch, const char *name, double value) {
  return setScalar(launch, name, Value::ofFloat(value));
}
fc_status fc_launch_bool(fc_launch *launch, const char *name, int value) {
  return setScalar(launch, name, Value::ofBool(value != 0));
}

fc_status fc_launch_shape(fc_launch *launch, const char *name, int64_t *shape, size_t capacity) {
  return guarded([&](Error &error) {
    if (!launch || !name || (capacity && !shape))
      return missing(error, !launch ? "the launch"
                            : !name ? "the name"
                                    : "the place for the shape");
    const auto result = launch->launch.shapeOf(name, error);
    if (!result)
      return false;
    if (result->size() > capacity)
      return error.set(Code::Argument, "`{}` has {} dimensions, and there is room for {}", name,
                       result->size(), capacity);
    std::copy(result->begin(), result->end(), shape);
    return true;
  });
}

fc_status fc_launch_check(fc_launch *launch) {
  return guarded([&](Error &error) {
    LaunchPlan plan;
    return launch ? launch->launch.plan(plan, error) : missing(error, "the launch");
  });
}

fc_status fc_launch_run(fc_launch *launch, void *stream) {
  return guarded([&](Error &error) {
    return launch ? launch->launch.run(stream, error) : missing(error, "the launch");
  });
}

const char *fc_launch_counters(fc_launch *launch) {
  if (!launch)
    return "{}";
  const fc_status status = guarded([&](Error &) {
    launch->counters = countersJson(launch->launch.result().counters).dump();
    return true;
  });
  return status == FC_OK ? launch->counters.c_str() : "{}";
}

double fc_launch_seconds(const fc_launch *launch) {
  return launch ? launch->launch.result().seconds : 0;
}

const char *fc_launch_variant(const fc_launch *launch) {
  return launch ? launch->launch.variant().c_str() : "";
}
