// Image.cpp - reading PTX text and cubins; see Image.h.
#include "runtime/cuda/Image.h"
#include <algorithm>
#include <charconv>
#include <cstring>

namespace fc::rt::cuda {

/// Reads PTX as far as its directives go: it skips bodies and instructions. What the driver's
/// compiler will say of the rest is its business.
struct PtxReader {
  Image &image;
  std::string_view rest;

  /// The next word, number or sign; comments and white space are skipped. Empty at the end.
  std::string_view token() {
    for (;;) {
      const size_t start = rest.find_first_not_of(" \t\r\n");
      rest.remove_prefix(std::min(start, rest.size()));
      if (rest.starts_with("//"))
        rest.remove_prefix(std::min(rest.find('\n'), rest.size()));
      else if (rest.starts_with("/*"))
        skipPast("*/");
      else
        break;
    }
    if (rest.empty())
      return {};
    size_t length = 1;
    if (rest[0] == '"') {
      const size_t end = rest.find('"', 1);
      length = end == std::string_view::npos ? rest.size() : end + 1;
    } else if (isWord(rest[0])) {
      while (length < rest.size() && isWord(rest[length]))
        ++length;
    }
    const std::string_view result = rest.substr(0, length);
    rest.remove_prefix(length);
    return result;
  }

  void read() {
    for (std::string_view word = token(); !word.empty(); word = token()) {
      if (word == ".version")
        image.ptxVersion = token();
      else if (word == ".target")
        image.target = token();
      else if (word == ".entry")
        readEntry();
      else if (word == ".global" || word == ".const")
        readGlobal();
      else if (word == "{")
        skipBody();
    }
  }

private:
  static bool isWord(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || c == '%' || c == '.';
  }
  void skipPast(std::string_view mark) {
    const size_t found = rest.find(mark);
    rest.remove_prefix(found == std::string_view::npos ? rest.size() : found + mark.size());
  }
  void skipBody() {
    int depth = 1;
    for (std::string_view word = token(); !word.empty(); word = token()) {
      depth += (word == "{") - (word == "}");
      if (depth == 0)
        return;
    }
  }

  /// Bytes of a type: 4 of ".f32".
  static uint32_t bytesOfType(std::string_view type) {
    constexpr std::string_view kinds = "usbf";
    uint32_t bits = 0;
    if (type.size() < 3 || type[0] != '.' || kinds.find(type[1]) == std::string_view::npos)
      return 0;
    const char *end = type.data() + type.size();
    const auto [after, status] = std::from_chars(type.data() + 2, end, bits);
    return status == std::errc() && after == end ? bits / 8 : 0;
  }

  /// `name ( .param [.align A] .type [.ptr ...] name [\[count\]], ... )`
  void readEntry() {
    Image::Entry entry;
    entry.name = token();
    std::string_view word = token();
    uint32_t offset = 0;
    while (word == "(" || word == ",") {
      uint32_t bytes = 0, align = 0, count = 1;
      for (word = token(); !word.empty() && word != "," && word != ")"; word = token()) {
        if (word == ".align") {
          // After `.ptr` it speaks of what is pointed to.
          const std::string_view number = token();
          if (bytes == 0)
            std::from_chars(number.data(), number.data() + number.size(), align);
        } else if (const uint32_t size = bytesOfType(word)) {
          bytes = size;
        } else if (word == "[") {
          const std::string_view number = token();
          std::from_chars(number.data(), number.data() + number.size(), count);
        }
      }
      if (bytes == 0)
        break; // `()`
      align = std::max(align, bytes);
      offset = (offset + align - 1) / align * align;
      entry.params.push_back({bytes * count, offset});
      offset += bytes * count;
    }
    image.entries.push_back(std::move(entry));
  }

  /// `.align 1 .b8 name [n] = { ... };`
  void readGlobal() {
    std::string_view name;
    bool bytes = false;
    size_t count = 0; // the bytes that are not listed are 0
    for (std::string_view word = token(); !word.empty() && word != ";"; word = token()) {
      bytes |= word == ".b8" || word == ".u8";
      if (word == "[") {
        const std::string_view number = token();
        std::from_chars(number.data(), number.data() + number.size(), count);
        skipPast("]");
      } else if (word == "{") {
        const size_t end = rest.find('}');
        if (bytes && end != std::string_view::npos)
          image.globals.emplace(name, Image::Global{rest.substr(0, end), count});
        skipPast("}");
      } else if (word[0] != '.' && word != "=")
        name = word;
    }
  }
};

/// Reads the ELF of a cubin: its symbols, the initialised globals, and the parameters that
/// `.nv.info.ENTRY` lists (as cuobjdump shows them; attribute 0x17, KPARAM_INFO).
struct CubinReader {
  CubinReader(Image &image, std::string_view bytes) : image(image), bytes(bytes) {}

  bool read() {
    if (bytes.size() < 64 || bytes[4] != 2 || bytes[5] != 1) // 64 bits, little endian
      return false;
    const uint32_t flags = *at<uint32_t>(48);
    // The number of the SM lies in another byte since version 8 of this binary interface.
    const uint32_t sm = bytes[8] >= 8 ? flags >> 8 & 0xff : flags & 0xff;
    image.target = fmt::format("sm_{}", sm);
    const auto table = at<uint64_t>(40);
    const auto entrySize = at<uint16_t>(58), count = at<uint16_t>(60), names = at<uint16_t>(62);
    if (!table || !entrySize || !count || !names || !*table || *entrySize < 64)
      return false;
    for (uint64_t i = 0; i < *count; ++i) {
      const uint64_t header = *table + i * *entrySize;
      const auto name = at<uint32_t>(header), type = at<uint32_t>(header + 4);
      const auto offset = at<uint64_t>(header + 24), size = at<uint64_t>(header + 32);
      const auto link = at<uint32_t>(header + 40);
      if (!name || !type || !offset || !size || !link)
        return false;
      Section section{*name, *type, *link, {}};
      constexpr uint32_t noBits = 8;
      if (*type != noBits) {
        if (*offset > bytes.size() || *size > bytes.size() - *offset)
          return false;
        section.data = bytes.substr(*offset, *size);
      }
      sections.push_back(section);
    }
    if (*names >= sections.size())
      return false;
    for (const Section &section : sections)
      if (section.type == 2 && section.link < sections.size()) // SHT_SYMTAB
        readSymbols(section.data, sections[section.link].data);
    for (Image::Entry &entry : image.entries)
      for (const Section &section : sections)
        if (text(sections[*names].data, section.name) == ".nv.info." + entry.name)
          readParams(section.data, entry);
    return !image.entries.empty();
  }

private:
  Image &image;
  std::string_view bytes;
  struct Section {
    uint32_t name, type, link;
    std::string_view data;
  };
  std::vector<Section> sections;

  template <class T> static std::optional<T> load(std::string_view from, uint64_t offset) {
    T value;
    if (offset > from.size() || from.size() - offset < sizeof value)
      return std::nullopt;
    std::memcpy(&value, from.data() + offset, sizeof value);
    return value;
  }
  template <class T> std::optional<T> at(uint64_t offset) const { return load<T>(bytes, offset); }
  static std::string_view text(std::string_view table, uint64_t offset) {
    if (offset >= table.size())
      return {};
    const std::string_view rest = table.substr(offset);
    return rest.substr(0, std::min(rest.find('\0'), rest.size()));
  }

  void readSymbols(std::string_view symbols, std::string_view names) {
    for (uint64_t offset = 0; offset + 24 <= symbols.size(); offset += 24) {
      const std::string_view name = text(names, *load<uint32_t>(symbols, offset));
      const int info = symbols[offset + 4], other = symbols[offset + 5];
      const auto home = *load<uint16_t>(symbols, offset + 6);
      const auto value = *load<uint64_t>(symbols, offset + 8);
      const auto size = *load<uint64_t>(symbols, offset + 16);
      constexpr int object = 1, function = 2, isEntry = 0x10;
      if ((info & 15) == function && (other & isEntry))
        image.entries.push_back({std::string(name), {}});
      else if ((info & 15) == object && home < sections.size() &&
               value <= sections[home].data.size() && size <= sections[home].data.size() - value)
        image.globals.emplace(name, Image::Global{sections[home].data.substr(value, size), size});
    }
  }

  static void readParams(std::string_view info, Image::Entry &entry) {
    constexpr unsigned char sized = 4, kparam = 0x17;
    struct Found {
      uint16_t ordinal;
      DeviceModule::EntryParam param;
    };
    std::vector<Found> found;
    for (uint64_t offset = 0; offset + 4 <= info.size();) {
      const auto form = static_cast<unsigned char>(info[offset]);
      const auto attribute = static_cast<unsigned char>(info[offset + 1]);
      const auto size = *load<uint16_t>(info, offset + 2);
      offset += 4;
      if (form != sized)
        continue; // the value was in the two bytes
      if (attribute == kparam && size >= 12 && offset + 12 <= info.size())
        found.push_back(
            {*load<uint16_t>(info, offset + 4),
             {*load<uint32_t>(info, offset + 8) >> 18, *load<uint16_t>(info, offset + 6)}});
      offset += size;
    }
    std::sort(found.begin(), found.end(),
              [](const Found &a, const Found &b) { return a.ordinal < b.ordinal; });
    for (const Found &it : found)
      entry.params.push_back(it.param);
  }
};

const Image::Entry *Image::entry(std::string_view name) const {
  for (const Entry &it : entries)
    if (it.name == name)
      return &it;
  return nullptr;
}

std::vector<std::byte> Image::global(std::string_view symbol) const {
  const auto found = globals.find(symbol);
  if (found == globals.end())
    return {};
  const std::string_view text = found->second.text;
  std::vector<std::byte> result;
  if (kind == Kind::Cubin) {
    const auto *begin = reinterpret_cast<const std::byte *>(text.data());
    result.assign(begin, begin + text.size());
    return result;
  }
  for (const char *at = text.data(), *end = at + text.size(); at < end;) {
    unsigned value = 0;
    const auto [after, status] = std::from_chars(at, end, value);
    if (status != std::errc()) {
      ++at;
      continue;
    }
    result.push_back(static_cast<std::byte>(value));
    at = after;
  }
  constexpr size_t mostPadding = size_t{1} << 24;
  if (found->second.bytes > result.size() && found->second.bytes - result.size() <= mostPadding)
    result.resize(found->second.bytes);
  return result;
}

std::optional<Image> Image::read(std::string_view bytes, std::string_view name, Error &error) {
  Image image;
  if (bytes.starts_with("\177ELF")) {
    image.kind = Kind::Cubin;
    if (!CubinReader(image, bytes).read()) {
      error.set(Code::Module, "{}: an ELF file, and not a whole cubin with a kernel", name);
      return std::nullopt;
    }
    return image;
  }
  PtxReader{image, bytes}.read();
  if (image.target.empty() || image.entries.empty()) {
    error.set(Code::Module, "{}: neither a cubin nor PTX: it has no {}", name,
              image.target.empty() ? "`.target`" : "`.entry`");
    return std::nullopt;
  }
  return image;
}

int capabilityOf(std::string_view target, bool &exact) {
  int number = 0;
  exact = false;
  if (!target.starts_with("sm_"))
    return 0;
  const char *end = target.data() + target.size();
  const auto [after, status] = std::from_chars(target.data() + 3, end, number);
  exact = after != end;
  return status == std::errc() ? number : 0;
}

std::string_view targetFor(int capability) {
  switch (capability) {
  case 90:
    return "sm_90a";
  case 100:
    return "sm_100a";
  case 120:
    return "sm_120a";
  default:
    // What has no letter runs on all that is newer.
    return capability > 90    ? "sm_90"
           : capability >= 89 ? "sm_89"
           : capability >= 86 ? "sm_86"
           : capability >= 80 ? "sm_80"
                              : "";
  }
}

} // namespace fc::rt::cuda
