// Compile.cpp - calling fcc; see Compile.h.
#include "tools/fc-run/Compile.h"
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace fc::run {
namespace {

namespace fs = std::filesystem;
using rt::Code;

/// A folder that goes away with its owner.
struct TemporaryFolder {
  fs::path path;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path.empty())
      fs::remove_all(path, ignored);
  }
};

} // namespace

bool isSource(const std::string &path) { return fs::path(path).extension() == ".fc"; }

bool readFile(const std::string &path, std::string &contents, rt::Error &error) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (!stream || fs::is_directory(path))
    return error.set(Code::NotFound, "cannot open `{}`: {}", path,
                     std::strerror(stream  ? EISDIR
                                   : errno ? errno
                                           : EIO));
  text << stream.rdbuf();
  contents = text.str();
  return true;
}

bool compile(const Options &options, std::string &ptx, rt::Error &error) {
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  const fs::path fcc = self.parent_path() / "fcc";
  if (failed || !fs::exists(fcc, failed))
    return error.set(Code::NotFound,
                     "`{}` has to be compiled, and there is no `fcc` beside this program ({})",
                     options.input, self.parent_path().string());

  std::string pattern = (fs::temp_directory_path(failed) / "fc-run-XXXXXX").string();
  if (failed || !::mkdtemp(pattern.data()))
    return error.set(Code::NotFound, "cannot make a temporary folder: {}", std::strerror(errno));
  const TemporaryFolder folder{pattern};
  const std::string output = (folder.path / fs::path(options.input).stem()).string() + ".ptx";

  std::vector<std::string> words{fcc.string(), options.input, "-o", output};
  for (const std::string &define : options.defines)
    words.insert(words.end(), {"-D", define});
  if (!options.target.empty())
    words.push_back("--target=" + options.target);
  if (!options.strategy.empty())
    words.push_back("--strategy=" + options.strategy);
  if (!options.schedule.empty())
    words.insert(words.end(), {"--schedule", options.schedule});
  std::vector<char *> argv;
  for (std::string &word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);

  pid_t child = 0;
  // Its standard output must not mix with ours, which may be JSON.
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  const int spawned = posix_spawn(&child, fcc.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (spawned != 0)
    return error.set(Code::NotFound, "cannot run `{}`: {}", fcc.string(), std::strerror(spawned));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    return error.set(Code::Module, "fcc died of signal {} on `{}`", WTERMSIG(status),
                     options.input);
  if (WEXITSTATUS(status) != 0)
    return error.set(Code::Module, "fcc did not compile `{}`", options.input);
  return readFile(output, ptx, error);
}

} // namespace fc::run
