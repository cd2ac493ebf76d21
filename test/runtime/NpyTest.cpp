// NpyTest.cpp - .npy files: what NumPy writes is read, what we write NumPy reads, what is broken is
// named.
#include "runtime/Npy.h"
#include <bit>
#include <cstdio>
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace fc::rt;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

std::string npy(std::string_view header, std::string_view data, int version = 1) {
  std::string result = "\x93NUMPY";
  result += static_cast<char>(version);
  result += '\0';
  const size_t length = header.size();
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    result += static_cast<char>(length >> (8 * i) & 0xff);
  return result.append(header).append(data);
}

std::string header(std::string_view descr, std::string_view shape, bool fortran = false) {
  return "{'descr': '" + std::string(descr) +
         "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + std::string(shape) + ", }   \n";
}

template <class T> std::string bytes(std::initializer_list<T> values) {
  std::string result(values.size() * sizeof(T), '\0');
  std::memcpy(result.data(), values.begin(), result.size());
  return result;
}

NpyArray parsed(const std::string &text) {
  NpyArray array;
  Error error;
  EXPECT_TRUE(parseNpy(text, "x.npy", array, error)) << error.message;
  return array;
}

std::string parseError(const std::string &text) {
  NpyArray array;
  Error error;
  EXPECT_FALSE(parseNpy(text, "x.npy", array, error));
  return error.message;
}

std::vector<double> converted(const std::string &text, Elem elem) {
  std::vector<std::byte> bits;
  Error error;
  const NpyArray array = parsed(text);
  EXPECT_TRUE(convertNpy(array, "x.npy", elem, bits, error)) << error.message;
  std::vector<double> values;
  for (size_t i = 0; i < bits.size() / static_cast<size_t>(bytesOf(elem)); ++i)
    values.push_back(load(elem, bits.data(), i));
  return values;
}

std::string conversionError(const std::string &text, Elem elem) {
  std::vector<std::byte> bits;
  Error error;
  EXPECT_FALSE(convertNpy(parsed(text), "x.npy", elem, bits, error));
  return error.message;
}

TEST(Npy, ReadsVersionsOneToThree) {
  for (int version : {1, 2, 3}) {
    const std::string text =
        npy(header("<f4", "(2, 3)"), bytes<float>({1, 2, 3, 4, 5, 6}), version);
    EXPECT_THAT(parsed(text).shape, ElementsAre(2, 3));
    EXPECT_THAT(converted(text, Elem::F32), ElementsAre(1, 2, 3, 4, 5, 6));
  }
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  EXPECT_THAT(converted(npy(header("<f4", "()"), bytes<float>({7})), Elem::F32), ElementsAre(7));
  EXPECT_TRUE(converted(npy(header("<f4", "(0, 5)"), ""), Elem::F32).empty());
  EXPECT_THAT(parsed(npy(header("<f4", "(3,)"), bytes<float>({1, 2, 3}))).shape, ElementsAre(3));
}

TEST(Npy, ReadsFortranOrderAndBigEndian) {
  // [[1, 2, 3], [4, 5, 6]] by columns.
  const std::string text = npy(header("<i4", "(2, 3)", true), bytes<int32_t>({1, 4, 2, 5, 3, 6}));
  EXPECT_THAT(converted(text, Elem::I32), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(converted(npy(header(">i2", "(2,)"), std::string("\x01\x02\xff\xfe", 4)), Elem::I32),
              ElementsAre(0x0102, -2));
}

TEST(Npy, FloatsRoundToFloats) {
  EXPECT_THAT(converted(npy(header("<f8", "(2,)"), bytes<double>({0.1, 1e300})), Elem::F16),
              ElementsAre(0.0999755859375, INFINITY));
  EXPECT_THAT(converted(npy(header("<f4", "(1,)"), bytes<float>({1.00390625f})), Elem::BF16),
              ElementsAre(1.0));
  EXPECT_THAT(converted(npy(header("<f2", "(1,)"), bytes<uint16_t>({0x3e00})), Elem::F32),
              ElementsAre(1.5));
}

TEST(Npy, RawBitsAreBf16AndFp8) {
  EXPECT_THAT(converted(npy(header("<u2", "(1,)"), bytes<uint16_t>({0x3fc0})), Elem::BF16),
              ElementsAre(1.5));
  EXPECT_THAT(converted(npy(header("<V2", "(1,)"), bytes<uint16_t>({0x3fc0})), Elem::BF16),
              ElementsAre(1.5));
  EXPECT_THAT(converted(npy(header("|u1", "(1,)"), "\x3c"), Elem::F8E4M3), ElementsAre(1.5));
}

TEST(Npy, IntegersMustFit) {
  EXPECT_THAT(converted(npy(header("<i8", "(2,)"), bytes<int64_t>({-5, 100})), Elem::I8),
              ElementsAre(-5, 100));
  EXPECT_THAT(converted(npy(header("<u4", "(1,)"), bytes<uint32_t>({4294967295u})), Elem::I64),
              ElementsAre(4294967295.0));
  EXPECT_EQ(conversionError(npy(header("<i8", "(2,)"), bytes<int64_t>({5, 200})), Elem::I8),
            "`x.npy`: element 1 is 200, which does not fit `i8`");
  EXPECT_EQ(conversionError(npy(header("<i4", "(1,)"), bytes<int32_t>({-1})), Elem::U32),
            "`x.npy`: element 0 is -1, which does not fit `u32`");
  EXPECT_THAT(
      conversionError(npy(header("<u8", "(1,)"), bytes<uint64_t>({~uint64_t{0}})), Elem::I64),
      HasSubstr("element 0 is 18446744073709551615"));
}

TEST(Npy, BoolsAreZeroOrOne) {
  EXPECT_THAT(converted(npy(header("|b1", "(3,)"), std::string("\0\1\7", 3)), Elem::Bool),
              ElementsAre(0, 1, 1));
  EXPECT_EQ(conversionError(npy(header("<f4", "(1,)"), bytes<float>({1})), Elem::Bool),
            "`x.npy`: holds elements of type `<f4`, expected `bool`");
  EXPECT_EQ(conversionError(npy(header("<f4", "(1,)"), bytes<float>({1})), Elem::I32),
            "`x.npy`: holds elements of type `<f4`, expected `i32`");
  EXPECT_EQ(conversionError(npy(header("<i4", "(1,)"), bytes<int32_t>({1})), Elem::F32),
            "`x.npy`: holds elements of type `<i4`, expected `f32`");
}

TEST(Npy, NamesWhatIsBroken) {
  EXPECT_EQ(parseError(""), "`x.npy`: is no .npy file");
  EXPECT_EQ(parseError("PK\x03\x04 a zip file"), "`x.npy`: is no .npy file");
  EXPECT_EQ(parseError(npy("", "", 9)),
            "`x.npy`: is a .npy file of version 9, and versions 1 to 3 can be read");
  EXPECT_EQ(parseError("\x93NUMPY\x01"), "`x.npy`: is no .npy file");
  EXPECT_EQ(parseError(std::string("\x93NUMPY\x01\0\x40", 9)), "`x.npy`: ends within its header");
  EXPECT_EQ(parseError(std::string("\x93NUMPY\x01\0\x40\x00{", 11)),
            "`x.npy`: ends within its header");
  EXPECT_THAT(parseError(npy("[]", "")), HasSubstr("its header does not begin with `{`"));
  EXPECT_THAT(parseError(npy("{1: 2}", "")), HasSubstr("has no `'key':`"));
  EXPECT_THAT(parseError(npy("{'descr': 4}", "")), HasSubstr("`descr` that is no string"));
  EXPECT_THAT(parseError(npy("{'descr': [('x', '<f4')]}", "")),
              HasSubstr("is of a structured type"));
  EXPECT_THAT(parseError(npy("{'descr': '<f4'}", "")), HasSubstr("lacks one of"));
  EXPECT_THAT(parseError(npy("{'descr': '<f4' 'x'}", "")), HasSubstr("does not end with `}`"));
  EXPECT_THAT(parseError(npy("{'fortran_order': 1}", "")), HasSubstr("neither True nor False"));
  EXPECT_THAT(parseError(npy("{'colour': 1}", "")), HasSubstr("unexpected key `colour`"));
  EXPECT_THAT(parseError(npy(header("<f4", "(2, -1)"), "")),
              HasSubstr("`shape` that is no tuple of extents"));
  EXPECT_THAT(parseError(npy(header("<f4", "(2"), "")), HasSubstr("no tuple"));
  EXPECT_THAT(parseError(npy(header("<c8", "(2,)"), "")),
              HasSubstr("holds elements of type `<c8`"));
  EXPECT_THAT(parseError(npy(header("<M8[ns]", "(2,)"), "")), HasSubstr("`<M8[ns]`"));
  EXPECT_EQ(
      parseError(npy(header("<f4", "(2,)"), "1234567")),
      "`x.npy`: its shape (2) of `<f4` asks for 2 elements of 4 bytes, and there are 7 bytes");
  EXPECT_THAT(parseError(npy(header("<f4", "(1,)"), "12345678")), HasSubstr("there are 8 bytes"));
  EXPECT_THAT(parseError(npy(header("<f4", "(4611686018427387904, 4)"), "")),
              HasSubstr("too many elements"));
  EXPECT_THAT(parseError(npy(header("<f4", "(4611686018427387904,)"), "")),
              HasSubstr("there are 0 bytes"));
}

/// Every prefix and every single-byte change of a file is read or refused.
TEST(Npy, DamagedFilesNeverCrash) {
  const std::string good = npy(header("<f4", "(2, 3)", true), bytes<float>({1, 2, 3, 4, 5, 6}));
  NpyArray array;
  Error error;
  for (size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(parseNpy(std::string_view(good).substr(0, length), "x.npy", array, error));
  for (size_t i = 0; i < good.size(); ++i)
    for (int change : {0, 1, 0x27, 0x39, 0x80, 0xff}) {
      std::string bad = good;
      bad[i] = static_cast<char>(change);
      if (parseNpy(bad, "x.npy", array, error))
        EXPECT_EQ(array.data.size(), 24u);
    }
}

class NpyFile : public testing::Test {
protected:
  std::string path = testing::TempDir() + "fc-npy-test.npy";
  void TearDown() override { std::remove(path.c_str()); }
};

TEST_F(NpyFile, WritesWhatItReads) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  Error error;
  for (const std::vector<int64_t> &shape : {std::vector<int64_t>{6}, {2, 3}, {1, 6, 1}}) {
    ASSERT_TRUE(writeNpy(path, Elem::F32, shape, values.data(), error)) << error.message;
    NpyArray array;
    ASSERT_TRUE(readNpy(path, array, error)) << error.message;
    EXPECT_EQ(array.descr, "<f4");
    EXPECT_EQ(array.shape, shape);
    EXPECT_EQ(std::memcmp(array.data.data(), values.data(), 24), 0);
  }
}

TEST_F(NpyFile, EveryElementTypeComesBack) {
  for (int i = 0; i < numElems; ++i) {
    const auto elem = static_cast<Elem>(i);
    const std::vector<std::byte> bits(static_cast<size_t>(4 * bytesOf(elem)), std::byte{1});
    Error error;
    ASSERT_TRUE(writeNpy(path, elem, {4}, bits.data(), error)) << error.message;
    NpyArray array;
    ASSERT_TRUE(readNpy(path, array, error)) << error.message;
    std::vector<std::byte> back;
    ASSERT_TRUE(convertNpy(array, path, elem, back, error)) << error.message;
    EXPECT_EQ(back, bits) << name(elem);
  }
}

TEST_F(NpyFile, NamesFilesThatCannotBeReadOrWritten) {
  NpyArray array;
  Error error;
  EXPECT_FALSE(readNpy("/nowhere/x.npy", array, error));
  EXPECT_EQ(error.message, "cannot open `/nowhere/x.npy`: No such file or directory");
  EXPECT_FALSE(readNpy("/", array, error));
  EXPECT_FALSE(writeNpy("/nowhere/x.npy", Elem::F32, {0}, nullptr, error));
  EXPECT_EQ(error.message, "cannot write `/nowhere/x.npy`: No such file or directory");
  EXPECT_FALSE(writeNpy(testing::TempDir(), Elem::F32, {0}, nullptr, error));
}

} // namespace
