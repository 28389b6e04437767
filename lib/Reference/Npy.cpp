//===- Npy.cpp - NumPy array files ----------------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Reference/Npy.h"

#include "NpyHeader.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

using namespace simplexir::reference;

static constexpr uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

std::string NpyType::str() const {
  return (bytes == 1 ? "|" : "<") + std::string(1, kind) +
         std::to_string(bytes);
}

int64_t simplexir::reference::countElements(const std::vector<int64_t> &shape) {
  uint64_t count = 1;
  bool zero = false;
  for (int64_t extent : shape) {
    if (extent < 0)
      return -1;
    zero |= extent == 0;
  }
  if (zero)
    return 0;
  for (int64_t extent : shape) {
    if (count > uint64_t(INT64_MAX) / static_cast<uint64_t>(extent))
      return -1;
    count *= static_cast<uint64_t>(extent);
  }
  return static_cast<int64_t>(count);
}

/// Little-endian, whatever the machine.
static uint64_t loadBits(const uint8_t *bytes, int count) {
  uint64_t bits = 0;
  for (int i = 0; i < count; ++i)
    bits |= uint64_t(bytes[i]) << (8 * i);
  return bits;
}

static void storeBits(uint64_t bits, int count, uint8_t *bytes) {
  for (int i = 0; i < count; ++i)
    bytes[i] = static_cast<uint8_t>(bits >> (8 * i));
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Row-major from column-major: walks the result in order and follows the
/// source's offset.
static void copyFromFortran(const uint8_t *source, NpyArray &array) {
  // Without elements the other extents may be anything, and overflow strides.
  if (array.bytes.empty())
    return;
  const size_t rank = array.shape.size();
  std::vector<int64_t> strides(rank), index(rank, 0);
  int64_t stride = 1;
  for (size_t r = 0; r < rank; ++r) {
    strides[r] = stride;
    stride *= array.shape[r];
  }
  const size_t bytes = array.type.bytes, count = array.size();
  int64_t offset = 0;
  for (size_t e = 0; e < count; ++e) {
    std::memcpy(array.bytes.data() + e * bytes, source + offset * bytes, bytes);
    for (size_t r = rank; r-- > 0;) {
      offset += strides[r];
      if (++index[r] < array.shape[r])
        break;
      offset -= strides[r] * array.shape[r];
      index[r] = 0;
    }
  }
}

std::string simplexir::reference::parseNpy(const uint8_t *data, size_t size,
                                           NpyArray &array) {
  if (size < sizeof(magic) || std::memcmp(data, magic, sizeof(magic)) != 0)
    return "not a .npy file: it does not begin with \\x93NUMPY";
  if (size < 8)
    return "the file ends inside its header";
  const int major = data[6];
  if (major < 1 || major > 3)
    return "unsupported .npy version " + std::to_string(major) + "." +
           std::to_string(data[7]) + ", expected 1.0, 2.0 or 3.0";
  const size_t lengthBytes = major == 1 ? 2 : 4, begin = 8 + lengthBytes;
  if (size < begin)
    return "the file ends inside its header";
  const uint64_t length = loadBits(data + 8, static_cast<int>(lengthBytes));
  if (length > size - begin)
    return "the file ends inside its header, which claims " +
           std::to_string(length) + " bytes of the " +
           std::to_string(size - begin) + " that follow";

  NpyHeader header;
  std::string error = parseNpyHeader(
      {reinterpret_cast<const char *>(data) + begin, size_t(length)}, header);
  if (!error.empty())
    return error;
  const int64_t count = countElements(header.shape);
  if (count < 0 || count > INT64_MAX / header.type.bytes)
    return "the shape has more elements than 64 bits can count";
  // Only now is the claimed size known to be there.
  const uint64_t wanted = uint64_t(count) * uint64_t(header.type.bytes);
  const uint64_t found = size - begin - length;
  if (wanted != found)
    return "the shape needs " + std::to_string(wanted) +
           " bytes of data, found " + std::to_string(found) +
           (found > wanted ? " (trailing bytes)" : " (truncated file)");

  const uint8_t *elements = data + begin + length;
  array.type = header.type;
  array.shape = std::move(header.shape);
  if (!header.fortranOrder) {
    array.bytes.assign(elements, elements + wanted);
    return {};
  }
  array.bytes.resize(wanted);
  copyFromFortran(elements, array);
  return {};
}

namespace {
struct CloseFile {
  void operator()(std::FILE *file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;
} // namespace

std::string simplexir::reference::readNpy(const std::string &path,
                                          NpyArray &array) {
  File file(std::fopen(path.c_str(), "rb"));
  if (!file)
    return path + ": cannot open: " + std::strerror(errno);
  std::vector<uint8_t> data, block(size_t(1) << 20);
  do {
    const size_t got = std::fread(block.data(), 1, block.size(), file.get());
    data.insert(data.end(), block.begin(), block.begin() + got);
    // An endless device is not worth reading to its end.
    if (!std::equal(data.begin(),
                    data.begin() + std::min(data.size(), sizeof(magic)), magic))
      break;
  } while (!std::feof(file.get()) && !std::ferror(file.get()));
  if (std::ferror(file.get()))
    return path + ": cannot read: " + std::strerror(errno);
  std::string error = parseNpy(data.data(), data.size(), array);
  return error.empty() ? error : path + ": " + error;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string simplexir::reference::encodeNpy(const NpyArray &array,
                                            std::vector<uint8_t> &data) {
  const int64_t count = countElements(array.shape);
  if (count < 0 || uint64_t(count) != array.size() ||
      array.bytes.size() % array.type.bytes != 0)
    return "the array's shape does not match its " +
           std::to_string(array.bytes.size()) + " bytes";
  std::string header = "{'descr': '" + array.type.str() +
                       "', 'fortran_order': False, 'shape': (";
  for (size_t r = 0; r < array.shape.size(); ++r)
    header += (r ? " " : "") + std::to_string(array.shape[r]) +
              (r + 1 < array.shape.size() || r == 0 ? "," : "");
  header += "), }";
  // NumPy aligns the data to 64 bytes and ends the header with a newline.
  const auto paddedSize = [&](size_t prefix) {
    return (prefix + header.size() + 1 + 63) / 64 * 64 - prefix;
  };
  const bool first = paddedSize(10) <= 0xffff;
  const size_t lengthBytes = first ? 2 : 4;
  header.resize(paddedSize(8 + lengthBytes) - 1, ' ');
  header += '\n';

  data.assign(magic, magic + sizeof(magic));
  data.push_back(first ? 1 : 2);
  data.push_back(0);
  data.resize(8 + lengthBytes);
  storeBits(header.size(), static_cast<int>(lengthBytes), data.data() + 8);
  data.insert(data.end(), header.begin(), header.end());
  data.insert(data.end(), array.bytes.begin(), array.bytes.end());
  return {};
}

std::string simplexir::reference::writeNpy(const std::string &path,
                                           const NpyArray &array) {
  std::vector<uint8_t> data;
  if (std::string error = encodeNpy(array, data); !error.empty())
    return path + ": " + error;
  File file(std::fopen(path.c_str(), "wb"));
  if (!file)
    return path + ": cannot open: " + std::strerror(errno);
  if (std::fwrite(data.data(), 1, data.size(), file.get()) != data.size() ||
      std::fclose(file.release()) != 0)
    return path + ": cannot write: " + std::strerror(errno);
  return {};
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static int64_t signExtend(uint64_t bits, int bytes) {
  const int unused = 64 - 8 * bytes;
  const uint64_t sign = uint64_t(1) << (8 * bytes - 1);
  return unused ? static_cast<int64_t>((bits ^ sign) - sign)
                : static_cast<int64_t>(bits);
}

static double toDouble(NpyType type, uint64_t bits) {
  if (type.kind == 'i')
    return static_cast<double>(signExtend(bits, type.bytes));
  if (type.kind == 'u')
    return static_cast<double>(bits);
  if (type.bytes == 2)
    return decodeF16(static_cast<uint16_t>(bits));
  if (type.bytes == 4) {
    const uint32_t narrow = static_cast<uint32_t>(bits);
    float value;
    std::memcpy(&value, &narrow, sizeof(value));
    return value;
  }
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// The bits of `value` in a floating-point type.
static uint64_t toBits(NpyType type, double value) {
  if (type.bytes == 2)
    return encodeF16(value);
  if (type.bytes == 4) {
    const float narrow = static_cast<float>(value);
    uint32_t bits;
    std::memcpy(&bits, &narrow, sizeof(bits));
    return bits;
  }
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

std::vector<double> simplexir::reference::toDoubles(const NpyArray &array) {
  std::vector<double> values(array.size());
  for (size_t e = 0; e < values.size(); ++e)
    values[e] =
        toDouble(array.type, loadBits(array.bytes.data() + e * array.type.bytes,
                                      array.type.bytes));
  return values;
}

std::string simplexir::reference::fromDoubles(NpyType type,
                                              std::vector<int64_t> shape,
                                              const std::vector<double> &values,
                                              NpyArray &array) {
  const int64_t count = countElements(shape);
  if (count < 0 || uint64_t(count) != values.size())
    return "the shape does not match the " + std::to_string(values.size()) +
           " elements";
  array.type = type;
  array.shape = std::move(shape);
  array.bytes.resize(values.size() * type.bytes);
  const int bits = 8 * type.bytes;
  const double low = type.kind == 'i' ? -std::ldexp(1.0, bits - 1) : 0.0;
  const double high = std::ldexp(1.0, type.kind == 'i' ? bits - 1 : bits);
  for (size_t e = 0; e < values.size(); ++e) {
    const double value = values[e];
    uint64_t encoded;
    if (type.kind == 'f') {
      encoded = toBits(type, value);
    } else {
      if (!(value >= low && value < high) || std::nearbyint(value) != value)
        return "element " + std::to_string(e) + " is not a value of " +
               type.str();
      encoded = type.kind == 'i'
                    ? static_cast<uint64_t>(static_cast<int64_t>(value))
                    : static_cast<uint64_t>(value);
    }
    storeBits(encoded, type.bytes, array.bytes.data() + e * type.bytes);
  }
  return {};
}

std::string simplexir::reference::toIndex(const NpyArray &array,
                                          int64_t &index) {
  if (array.type.kind == 'f')
    return "expected an integer, found " + array.type.str();
  if (!array.shape.empty() || array.size() != 1)
    return "expected an integer of rank 0, found rank " +
           std::to_string(array.shape.size());
  const uint64_t bits = loadBits(array.bytes.data(), array.type.bytes);
  if (array.type.kind == 'u' && bits > uint64_t(INT64_MAX))
    return "the integer does not fit 64 signed bits";
  index = array.type.kind == 'i' ? signExtend(bits, array.type.bytes)
                                 : static_cast<int64_t>(bits);
  return {};
}
