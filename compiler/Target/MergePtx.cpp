// MergePtx.cpp - one PTX module from several that hold a kernel each
#include "compiler/Target/MergePtx.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

using namespace llvm;

namespace fc {

namespace {
/// A module's lines by what they are.
struct Parts {
  SmallVector<StringRef> head, functions, tail;
  std::map<StringRef, StringRef> files; ///< number -> quoted path

  explicit Parts(StringRef text);
};
} // namespace

Parts::Parts(StringRef text) {
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  if (lines.back().empty())
    lines.pop_back();
  auto isEntry = [](StringRef line) { return line.contains(".entry "); };
  size_t first = find_if(lines, isEntry) - lines.begin();
  // The last brace at the start of a line ends the last function.
  size_t end = lines.size();
  while (end > first && lines[end - 1] != "}")
    --end;
  for (auto [i, line] : enumerate(lines)) {
    StringRef word = line.ltrim();
    if (i < first) {
      head.push_back(line);
    } else if (i < end) {
      functions.push_back(line);
    } else if (word.consume_front(".file")) {
      auto [number, path] = word.trim().split(' ');
      files[number] = path;
    } else {
      tail.push_back(line);
    }
  }
}

/// `.loc 2 7 8` counts a file by the number that `renumbered` gives it.
static void writeLine(raw_ostream &os, StringRef line, const StringMap<unsigned> &renumbered) {
  StringRef rest = line.ltrim();
  if (rest.consume_front(".loc")) {
    StringRef number = rest.ltrim().take_while(isDigit);
    auto found = renumbered.find(number);
    if (found != renumbered.end()) {
      os << "\t.loc\t" << found->second << rest.ltrim().drop_front(number.size()) << '\n';
      return;
    }
  }
  os << line << '\n';
}

std::string mergePtx(ArrayRef<std::string> modules) {
  std::vector<Parts> parts(modules.begin(), modules.end());
  std::string text;
  raw_string_ostream os(text);
  StringSet<> said;
  for (const auto &[i, part] : enumerate(parts))
    for (StringRef line : part.head)
      if (i == 0 || !line.ltrim().starts_with("//"))
        if (said.insert(line).second || i == 0)
          os << line << '\n';

  SmallVector<StringRef> files;
  for (const Parts &part : parts) {
    StringMap<unsigned> renumbered;
    for (auto [number, path] : part.files) {
      auto known = find(files, path);
      renumbered[number] = known - files.begin() + 1;
      if (known == files.end())
        files.push_back(path);
    }
    for (StringRef line : part.functions)
      writeLine(os, line, renumbered);
  }

  if (!parts.empty())
    for (StringRef line : parts.front().tail)
      os << line << '\n';
  for (auto [i, path] : enumerate(files))
    os << "\t.file\t" << i + 1 << ' ' << path << '\n';
  return text;
}

} // namespace fc
