"""lit: .fc, .mlir and .test files below test/, each with its RUN lines."""
import os
import lit.formats

config.name = "FlashCore"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".fc"]
config.excludes = ["inputs", "Inputs", "examples", "errors", "corpus"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.fc_binary_dir, "test")

llvm_tools = config.fc_llvm_tools
bin_dir = os.path.join(config.fc_binary_dir, "bin")
config.environment["PATH"] = os.pathsep.join([llvm_tools, config.environment["PATH"]])
for tool in ["fcc", "fc-opt", "fc-run", "fc-bench"]:
    config.substitutions.append((r"%" + tool + r"\b", os.path.join(bin_dir, tool)))
config.substitutions.append((r"%bin", bin_dir))
config.substitutions.append((r"%kernels", os.path.join(config.fc_source_dir, "kernels_src")))
config.substitutions.append((r"%python", config.fc_python))
config.substitutions.append((r"%src", config.fc_source_dir))
config.substitutions.append((r"%build\b", config.fc_binary_dir))
config.substitutions.append((r"%llvm_include", config.fc_llvm_include))
config.substitutions.append((r"%runtime_so", os.path.join(config.fc_binary_dir, "lib", "libflashcore_runtime.so")))
# The tests mean the emulator where they do not name a device, also on a machine with a GPU.
config.environment["FLASHCORE_CUDA_LIBRARY"] = "none"
config.substitutions.append((r"%fakes", os.path.join(config.fc_binary_dir, "fakes")))
# A user's C++ program against the runtime library.
config.substitutions.append((r"%cxx", config.fc_cxx))
libraries = [os.path.join(config.fc_binary_dir, "lib", f"lib{name}.a") for name in ["FcRuntime", "FcEmulator"]]
config.substitutions.append((r"%runtime_libs", " ".join(libraries + ["-lfmt", "-lpthread"])))

if config.fc_ptxas:
    config.available_features.add("ptxas")
    config.substitutions.append((r"%ptxas", config.fc_ptxas))
if "-fsanitize" in config.fc_cxx:
    config.available_features.add("sanitize")
