// Npy.h - arrays in NumPy's .npy files (format versions 1 and 2, C and Fortran order, either byte
// order).
//
// NumPy has no bf16 and no 8-bit floats: they are written, and read, as their raw bits in unsigned
// integers of that size ('<u2', '|u1'); of bf16, '<V2' (what ml_dtypes writes) is read too. Which
// of them a file means is for the reader to say: `elem` of convertNpy.
#pragma once
#include "runtime/Elem.h"
#include "runtime/Error.h"
#include <cstddef>
#include <string>
#include <vector>

namespace fc::rt {

/// What a file holds, before it is anybody's tensor.
struct NpyArray {
  std::string descr; ///< NumPy's: "<f2"; of the bytes in `data`, which are little-endian
  std::vector<int64_t> shape;
  std::vector<std::byte> data; ///< row-major, without gaps
  int64_t size() const;        ///< number of elements
};

/// Reads a file. Messages name the path and what is wrong with it.
bool readNpy(const std::string &path, NpyArray &array, Error &error);
/// The same from memory; `path` is for messages.
bool parseNpy(std::string_view bytes, const std::string &path, NpyArray &array, Error &error);

/// The elements of `array` as `elem`, bits as a device holds them. Types that are the same pass;
/// floats of any size become floats, rounded to nearest even; integers become integers if every
/// value fits; raw bits become bf16 or 8-bit floats. Anything else is an error.
bool convertNpy(const NpyArray &array, const std::string &path, Elem elem,
                std::vector<std::byte> &bits, Error &error);

/// Writes a file beside `path` and renames it, so that no one sees half of it.
bool writeNpy(const std::string &path, Elem elem, const std::vector<int64_t> &shape,
              const void *data, Error &error);

} // namespace fc::rt
