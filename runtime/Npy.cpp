// Npy.cpp - reading and writing .npy files; see Npy.h.
//
// A file is the magic "\x93NUMPY", two version bytes, the length of the header (2 bytes in version
// 1, 4 in version 2), and the header: a Python dictionary literal such as
//   {'descr': '<f2', 'fortran_order': False, 'shape': (1, 8, 512, 64), }
// followed by the elements. Source: NumPy Enhancement Proposal 1.
#include "runtime/Npy.h"
#include "runtime/WriteFile.h"
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace fc::rt {
namespace {

constexpr size_t maxHeader = size_t{1} << 20;
constexpr int maxRank = 64;

/// A cursor over the header's dictionary.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : text(text) {}

  /// False with `reason` set where the text is no header.
  bool parse(std::string &descr, bool &fortran, std::vector<int64_t> &shape, std::string &reason) {
    bool seenDescr = false, seenOrder = false, seenShape = false;
    if (!take('{'))
      return fail(reason, "does not begin with `{`");
    while (!take('}')) {
      std::string key;
      if (!string(key) || !take(':'))
        return fail(reason, "has no `'key':` where one is expected");
      if (key == "descr" && !seenDescr) {
        skip();
        if (at < text.size() && text[at] == '[')
          return fail(reason, "is of a structured type, and only plain elements can be read");
        if (!(seenDescr = string(descr)))
          return fail(reason, "has a `descr` that is no string");
      } else if (key == "fortran_order" && !seenOrder) {
        if (word("True"))
          fortran = true;
        else if (word("False"))
          fortran = false;
        else
          return fail(reason, "has a `fortran_order` that is neither True nor False");
        seenOrder = true;
      } else if (key == "shape" && !seenShape) {
        if (!tuple(shape))
          return fail(reason, "has a `shape` that is no tuple of extents");
        seenShape = true;
      } else {
        return fail(reason, fmt::format("has an unexpected key `{}`", key));
      }
      if (!take(',')) {
        if (!take('}'))
          return fail(reason, "does not end with `}`");
        break;
      }
    }
    if (!seenDescr || !seenOrder || !seenShape)
      return fail(reason, "lacks one of `descr`, `fortran_order` and `shape`");
    return true;
  }

private:
  static bool fail(std::string &reason, std::string message) {
    reason = std::move(message);
    return false;
  }
  void skip() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t'))
      ++at;
  }
  bool take(char c) {
    skip();
    if (at >= text.size() || text[at] != c)
      return false;
    ++at;
    return true;
  }
  bool word(std::string_view expected) {
    skip();
    if (text.substr(at, expected.size()) != expected)
      return false;
    at += expected.size();
    return true;
  }
  bool string(std::string &into) {
    skip();
    if (at >= text.size() || (text[at] != '\'' && text[at] != '"'))
      return false;
    const size_t end = text.find(text[at], at + 1);
    if (end == std::string_view::npos)
      return false;
    into = text.substr(at + 1, end - at - 1);
    at = end + 1;
    return true;
  }
  bool tuple(std::vector<int64_t> &into) {
    if (!take('('))
      return false;
    while (!take(')')) {
      skip();
      int64_t extent = 0;
      const char *begin = text.data() + at, *end = text.data() + text.size();
      const auto [after, status] = std::from_chars(begin, end, extent);
      if (status != std::errc() || extent < 0 || into.size() >= maxRank)
        return false;
      into.push_back(extent);
      at += static_cast<size_t>(after - begin);
      if (at < text.size() && text[at] == 'L') // written by Python 2
        ++at;
      if (!take(','))
        return take(')');
    }
    return true;
  }

  std::string_view text;
  size_t at = 0;
};

/// A type of NumPy's: its letter and size.
struct Type {
  char kind;
  size_t bytes;
};

std::optional<Type> parseType(std::string_view descr) {
  if (descr.size() != 3 || descr[2] < '1' || descr[2] > '8')
    return std::nullopt;
  const Type type{descr[1], static_cast<size_t>(descr[2] - '0')};
  const std::string_view kinds = type.bytes == 1   ? "iub"
                                 : type.bytes == 2 ? "iufV"
                                 : type.bytes == 4 ? "iuf"
                                 : type.bytes == 8 ? "iuf"
                                                   : "";
  return kinds.find(type.kind) == std::string_view::npos ? std::nullopt : std::optional(type);
}

double loadFloat(Type type, const std::byte *from) {
  if (type.bytes == 8) {
    double value = 0;
    std::memcpy(&value, from, 8);
    return value;
  }
  return load(type.bytes == 4 ? Elem::F32 : Elem::F16, from, 0);
}

/// Row-major from column-major.
void transpose(NpyArray &array, size_t bytes) {
  std::vector<std::byte> result(array.data.size());
  const size_t rank = array.shape.size();
  std::vector<int64_t> index(rank, 0);
  const auto count = static_cast<size_t>(array.size());
  for (size_t i = 0; i < count; ++i) {
    size_t from = 0;
    for (size_t d = rank; d-- > 0;)
      from = from * static_cast<size_t>(array.shape[d]) + static_cast<size_t>(index[d]);
    std::memcpy(result.data() + i * bytes, array.data.data() + from * bytes, bytes);
    for (size_t d = rank; d-- > 0;) {
      if (++index[d] < array.shape[d])
        break;
      index[d] = 0;
    }
  }
  array.data = std::move(result);
}

} // namespace

int64_t NpyArray::size() const {
  int64_t result = 1;
  for (int64_t extent : shape)
    result *= extent;
  return result;
}

bool parseNpy(std::string_view bytes, const std::string &path, NpyArray &array, Error &error) {
  auto fail = [&](const std::string &reason) {
    return error.set(Code::Argument, "`{}`: {}", path, reason);
  };
  constexpr std::string_view magic = "\x93NUMPY";
  if (bytes.substr(0, magic.size()) != magic || bytes.size() < 8)
    return fail("is no .npy file");
  const int major = static_cast<unsigned char>(bytes[6]);
  if (major < 1 || major > 3) // 3 differs from 2 in the header's encoding only
    return fail(
        fmt::format("is a .npy file of version {}, and versions 1 to 3 can be read", major));
  const size_t lengthBytes = major == 1 ? 2 : 4;
  const size_t begin = 8 + lengthBytes;
  if (bytes.size() < begin)
    return fail("ends within its header");
  size_t length = 0;
  for (size_t i = lengthBytes; i-- > 0;)
    length = length << 8 | static_cast<unsigned char>(bytes[8 + i]);
  if (length > maxHeader || bytes.size() - begin < length)
    return fail("ends within its header");
  bool fortran = false;
  std::string reason;
  array = {};
  if (!HeaderParser(bytes.substr(begin, length)).parse(array.descr, fortran, array.shape, reason))
    return fail("its header " + reason);
  const auto type = parseType(array.descr);
  if (!type)
    return fail(fmt::format(
        "holds elements of type `{}`, and f16, f32, f64, integers, bool and 2-byte raw bits "
        "(bf16) can be read",
        array.descr));
  int64_t count = 1;
  for (int64_t extent : array.shape)
    if (__builtin_mul_overflow(count, extent, &count))
      return fail(
          fmt::format("its shape ({}) has too many elements", fmt::join(array.shape, ", ")));
  const size_t have = bytes.size() - begin - length;
  if (static_cast<uint64_t>(count) > have / type->bytes ||
      static_cast<size_t>(count) * type->bytes != have)
    return fail(fmt::format(
        "its shape ({}) of `{}` asks for {} elements of {} bytes, and there are {} bytes",
        fmt::join(array.shape, ", "), array.descr, count, type->bytes, have));
  const auto *data = reinterpret_cast<const std::byte *>(bytes.data() + begin + length);
  array.data.assign(data, data + have);
  if (array.descr[0] == '>') {
    for (size_t i = 0; i < have; i += type->bytes)
      std::reverse(array.data.begin() + static_cast<std::ptrdiff_t>(i),
                   array.data.begin() + static_cast<std::ptrdiff_t>(i + type->bytes));
    array.descr[0] = '<';
  }
  if (fortran)
    transpose(array, type->bytes);
  return true;
}

bool readNpy(const std::string &path, NpyArray &array, Error &error) {
  std::FILE *file = std::fopen(path.c_str(), "rb");
  if (!file)
    return error.set(Code::NotFound, "cannot open `{}`: {}", path, std::strerror(errno));
  std::string contents;
  char buffer[1 << 16];
  size_t count = 0;
  while ((count = std::fread(buffer, 1, sizeof buffer, file)) > 0)
    contents.append(buffer, count);
  const bool failed = std::ferror(file) != 0;
  const int reason = errno;
  std::fclose(file);
  if (failed)
    return error.set(Code::NotFound, "cannot read `{}`: {}", path, std::strerror(reason));
  return parseNpy(contents, path, array, error);
}

bool convertNpy(const NpyArray &array, const std::string &path, Elem elem,
                std::vector<std::byte> &bits, Error &error) {
  const Type type = *parseType(array.descr);
  const auto size = static_cast<size_t>(bytesOf(elem));
  const auto count = static_cast<size_t>(array.size());
  const bool rawBits = elem == Elem::BF16
                           ? type.kind == 'V' || (type.kind == 'u' && type.bytes == 2)
                       : elem == Elem::F8E4M3 ? type.kind == 'u' && type.bytes == 1
                       : elem == Elem::F8E5M2 ? type.kind == 'u' && type.bytes == 1
                                              : false;
  const bool same = elem == Elem::F32    ? type.kind == 'f' && type.bytes == 4
                    : elem == Elem::F16  ? type.kind == 'f' && type.bytes == 2
                    : elem == Elem::Bool ? type.kind == 'b'
                                         : false;
  if (rawBits || same) {
    bits = array.data;
    if (elem == Elem::Bool)
      for (std::byte &byte : bits)
        byte = byte == std::byte{0} ? byte : std::byte{1};
    return true;
  }
  bits.assign(count * size, std::byte{0});
  if (isFloat(elem) && type.kind == 'f') {
    for (size_t i = 0; i < count; ++i)
      store(elem, bits.data(), i, loadFloat(type, array.data.data() + i * type.bytes));
    return true;
  }
  const bool fromInteger = type.kind == 'i' || type.kind == 'u' || type.kind == 'b';
  if (!isFloat(elem) && elem != Elem::Bool && fromInteger) {
    // Through 128 bits, so that every value of every type is itself.
    const bool isSigned = elem != Elem::U8 && elem != Elem::U32;
    const auto width = static_cast<int>(8 * size);
    const __int128 high = (__int128{1} << (isSigned ? width - 1 : width)) - 1;
    const __int128 low = isSigned ? -high - 1 : 0;
    for (size_t i = 0; i < count; ++i) {
      uint64_t raw = 0;
      std::memcpy(&raw, array.data.data() + i * type.bytes, type.bytes);
      __int128 value = static_cast<__int128>(raw);
      if (type.kind == 'i' && (raw >> (8 * type.bytes - 1)) & 1)
        value -= __int128{1} << (8 * type.bytes);
      if (value < low || value > high)
        return error.set(Code::Argument, "`{}`: element {} is {}, which does not fit `{}`", path, i,
                         type.kind == 'i' ? fmt::format("{}", static_cast<int64_t>(value))
                                          : fmt::format("{}", raw),
                         name(elem));
      std::memcpy(bits.data() + i * size, &value, size);
    }
    return true;
  }
  return error.set(Code::Argument, "`{}`: holds elements of type `{}`, expected `{}`", path,
                   array.descr, name(elem));
}

bool writeNpy(const std::string &path, Elem elem, const std::vector<int64_t> &shape,
              const void *data, Error &error) {
  constexpr const char *descrs[numElems] = {"<f4", "<f2", "<u2", "|u1", "|u1", "|i1",
                                            "|u1", "<i2", "<i4", "<u4", "<i8", "|b1"};
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (",
                                   descrs[static_cast<size_t>(elem)]);
  size_t count = 1;
  for (int64_t extent : shape) {
    header += fmt::format("{}, ", extent);
    count *= static_cast<size_t>(extent);
  }
  header += "), }";
  // The elements begin at a multiple of 64 bytes; the header ends with a newline.
  const size_t prefix = 10;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::string start("\x93NUMPY\x01\x00", 8);
  start += static_cast<char>(header.size() & 0xff);
  start += static_cast<char>(header.size() >> 8);

  const size_t bytes = count * static_cast<size_t>(bytesOf(elem));
  return writeFile(path, {start, header, {static_cast<const char *>(data), bytes}}, error);
}

} // namespace fc::rt
