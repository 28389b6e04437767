//===- Support.h - Status, messages and bytes --------------------*- C++
//-*-===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SIMPLEXIR_RUNTIME_LIB_SUPPORT_H
#define SIMPLEXIR_RUNTIME_LIB_SUPPORT_H

#include "simplexir-runtime.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace simplexir {

/// printf into a string.
std::string format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/// For %llu, whose argument type differs from uint64_t on some systems.
inline unsigned long long ull(uint64_t value) { return value; }
inline long long ll(int64_t value) { return value; }

/// A code and, on failure, the message. Success never allocates.
struct [[nodiscard]] Status {
  SimplexirStatus code = SIMPLEXIR_OK;
  std::string message;

  Status() = default;
  Status(SimplexirStatus code, std::string message)
      : code(code), message(std::move(message)) {}
  bool ok() const { return code == SIMPLEXIR_OK; }
};

/// Stores the message for simplexirLastError() and returns the code.
SimplexirStatus report(Status &&status);

/// Runs `body` (returning Status) and reports; no exception leaves the C ABI.
template <typename Body>
SimplexirStatus guarded(Body &&body) noexcept {
  try {
    return report(body());
  } catch (const std::exception &e) {
    return report(Status(SIMPLEXIR_ERROR_OUT_OF_MEMORY, e.what()));
  } catch (...) {
    return report(Status(SIMPLEXIR_ERROR_INTERNAL, ""));
  }
}

/// Call when state that does not survive fork() comes to be (threads, locks,
/// driver contexts). From then on a forked child gets errors.
void noteRuntimeUsed();
Status checkNotForked();

/// Appends little-endian integers.
struct ByteWriter {
  std::string bytes;

  void u8(uint8_t value) { bytes.push_back(static_cast<char>(value)); }
  void u32(uint32_t value) { put(value, 4); }
  void u64(uint64_t value) { put(value, 8); }
  void str(const std::string &value) {
    u32(static_cast<uint32_t>(value.size()));
    bytes += value;
  }

private:
  void put(uint64_t value, int count) {
    for (int i = 0; i < count; ++i)
      bytes.push_back(static_cast<char>(value >> (8 * i)));
  }
};

/// Reads little-endian integers. Past the end it yields zeros and `failed`
/// stays set, so that a decoder needs one check for each record.
struct ByteReader {
  const uint8_t *data;
  size_t left;
  bool failed = false;

  ByteReader(const uint8_t *data, size_t size) : data(data), left(size) {}
  uint8_t u8() { return static_cast<uint8_t>(get(1)); }
  uint32_t u32() { return static_cast<uint32_t>(get(4)); }
  uint64_t u64() { return get(8); }
  std::string str(size_t maxSize) {
    uint32_t size = u32();
    if (failed || size > maxSize || size > left) {
      failed = true;
      return {};
    }
    std::string value(reinterpret_cast<const char *>(data), size);
    data += size;
    left -= size;
    return value;
  }
  /// A count of records, none of which is shorter than `minBytes`: refuses
  /// counts that the rest cannot hold before anything is allocated.
  uint32_t count(size_t max, size_t minBytes) {
    uint32_t value = u32();
    if (value > max || value > left / minBytes)
      failed = true;
    return failed ? 0 : value;
  }

private:
  uint64_t get(size_t count) {
    if (left < count) {
      failed = true;
      left = 0;
      return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i)
      value |= static_cast<uint64_t>(data[i]) << (8 * i);
    data += count;
    left -= count;
    return value;
  }
};

} // namespace simplexir

#endif // SIMPLEXIR_RUNTIME_LIB_SUPPORT_H
