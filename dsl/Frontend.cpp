// Frontend.cpp - files and phases: load a file and what it uses, parse them, check them. Each phase
// reports all it finds and the next one starts only if there was nothing.
#include "dsl/Frontend.h"
#include "dsl/Check.h"
#include "dsl/Lexer.h"
#include "dsl/LibText.h"
#include "dsl/Parser.h"
#include <algorithm>
#include <filesystem>
#include <fstream>

namespace fc::dsl {

namespace fs = std::filesystem;

namespace {

/// Positions are 32 bits; what is longer is no program.
constexpr size_t kMaxFileSize = 64u << 20;

/// The path of the `lib.fc` that comes with the language, in messages.
constexpr const char *kBuiltInLib = "<built-in>/lib.fc";

/// The text of a file, or why there is none. Only regular files: reading a device may never end.
bool readFile(const std::string &path, std::string &text, std::string &why) {
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    why = "there is no such file";
    return false;
  }
  if (error || !fs::is_regular_file(status)) {
    why = fs::is_directory(status) ? "it is a directory"
          : error                  ? error.message()
                                   : "it is no file of text";
    return false;
  }
  if (fs::file_size(path, error) > kMaxFileSize || error) {
    why = error ? error.message() : "it is too large";
    return false;
  }
  std::ifstream in(path, std::ios::binary);
  text.assign(std::istreambuf_iterator<char>(in), {});
  if (!in.good() && !in.eof()) {
    why = "it cannot be read";
    return false;
  }
  return true;
}

class Frontend {
public:
  Frontend(const Defines &defines, Diagnostics &diagnostics)
      : defines(defines), diagnostics(diagnostics), reporter(diagnostics) {}

  std::unique_ptr<Program> run(std::string path, std::string text) {
    identities.push_back(identity(path));
    sources.push_back({std::move(path), std::move(text)});
    load(0);
    auto program = std::make_unique<Program>();
    if (!reporter.errors() && files[0].kernels.empty())
      reporter.report(Diag::NoKernel, {}, sources[0].path)
          .note({}, "a program is `kernel name(inputs) -> (outputs) { ... }`");
    if (!reporter.errors())
      check(files, sources, defines, *program, reporter);
    reporter.finish();
    diagnostics.files.assign(sources.begin(), sources.end());
    if (reporter.errors())
      return nullptr;
    program->files = diagnostics.files;
    return program;
  }

private:
  static std::string identity(const std::string &path) {
    std::error_code error;
    fs::path canonical = fs::weakly_canonical(path, error);
    return error ? path : canonical.string();
  }

  /// Parses file number `index` and loads what it uses.
  void load(size_t index) {
    std::string_view text = sources[index].text;
    if (text.size() > kMaxFileSize) {
      reporter.report(Diag::FileTooLarge, {}, sources[index].path, text.size(), kMaxFileSize);
      files.resize(std::max(files.size(), index + 1));
      return;
    }
    ast::File file;
    if (checkEncoding(text, int(index), reporter))
      file = parse(text, int(index), reporter);
    std::vector<ast::Use> uses = file.uses;
    files.resize(std::max(files.size(), index + 1));
    files[index] = std::move(file);
    path.push_back(index);
    for (const ast::Use &use : uses)
      if (!reporter.full())
        load(index, use);
    path.pop_back();
  }

  void load(size_t user, const ast::Use &use) {
    std::string name(use.path.text);
    std::string target = (fs::path(sources[user].path).parent_path() / name).string();
    if (auto known = targets.find(target); known != targets.end()) {
      if (std::ranges::find(path, known->second) != path.end())
        reportCycle(use, known->second);
      return; // used twice: its functions are here already
    }
    std::string text, why;
    const std::string asked = target;
    if (!readFile(target, text, why)) {
      if (name != "lib.fc") {
        auto handle = reporter.report(Diag::UseNotFound, use.path.loc, name, why);
        handle.note({}, fmt::format("looked for `{}`", target));
        if (fs::path(name).filename() == "lib.fc")
          handle.fix("the built-in functions are in `lib.fc`, without a folder");
        return;
      }
      target = kBuiltInLib;
      text = kLibText;
    }
    std::string id = target == kBuiltInLib ? target : identity(target);
    for (size_t i = 0; i < identities.size(); ++i) {
      if (identities[i] != id)
        continue;
      targets.emplace(asked, i);
      if (std::ranges::find(path, i) != path.end())
        reportCycle(use, i);
      return; // the same file by another path
    }
    if (path.size() >= ast::kMaxNesting) {
      reporter.report(Diag::TooDeep, use.path.loc, ast::kMaxNesting);
      return;
    }
    targets.emplace(asked, sources.size());
    identities.push_back(id);
    sources.push_back({target, std::move(text)});
    load(sources.size() - 1);
  }

  void reportCycle(const ast::Use &use, size_t first) {
    std::string chain;
    for (auto at = std::ranges::find(path, first); at != path.end(); ++at)
      chain += sources[*at].path + " -> ";
    reporter.report(Diag::UseCycle, use.path.loc, sources[first].path, chain + sources[first].path)
        .fix("move the functions that both need into a third file");
  }

  const Defines &defines;
  Diagnostics &diagnostics;
  Reporter reporter;
  std::deque<SourceFile> sources;
  std::vector<ast::File> files;
  std::vector<std::string> identities;   ///< of sources: the same file is loaded once
  std::map<std::string, size_t> targets; ///< paths as used, and the sources they are
  std::vector<size_t> path;              ///< the chain of `use`s
};

} // namespace

std::unique_ptr<Program> checkSource(std::string path, std::string text, const Defines &defines,
                                     Diagnostics &diagnostics) {
  return Frontend(defines, diagnostics).run(std::move(path), std::move(text));
}

std::unique_ptr<Program> checkFile(const std::string &path, const Defines &defines,
                                   Diagnostics &diagnostics) {
  std::string text, why;
  if (!readFile(path, text, why)) {
    Reporter(diagnostics).report(Diag::FileUnreadable, {}, path, why);
    diagnostics.files = {{path, ""}};
    return nullptr;
  }
  return checkSource(path, std::move(text), defines, diagnostics);
}

} // namespace fc::dsl
