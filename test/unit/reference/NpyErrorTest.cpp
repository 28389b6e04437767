//===- NpyErrorTest.cpp - Damaged .npy files ------------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Reference/Npy.h"

#include "gtest/gtest.h"

#include <random>

using namespace simplexir::reference;

namespace {

std::vector<uint8_t> makeFile(const std::string &header, size_t elementBytes,
                              int version = 1) {
  std::vector<uint8_t> data = {0x93, 'N', 'U', 'M', 'P', 'Y'};
  data.push_back(static_cast<uint8_t>(version));
  data.push_back(0);
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    data.push_back(static_cast<uint8_t>(header.size() >> (8 * i)));
  data.insert(data.end(), header.begin(), header.end());
  data.resize(data.size() + elementBytes);
  return data;
}

std::string parse(const std::vector<uint8_t> &data) {
  NpyArray array;
  return parseNpy(data.data(), data.size(), array);
}

std::string parseHeader(const std::string &header, size_t elementBytes = 0) {
  return parse(makeFile(header, elementBytes));
}

std::string withType(const std::string &type) {
  return parseHeader("{'descr': " + type +
                     ", 'fortran_order': False, 'shape': (0,)}");
}

std::string withShape(const std::string &shape, size_t elementBytes = 0) {
  return parseHeader(
      "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + "}",
      elementBytes);
}

TEST(NpyError, Magic) {
  EXPECT_EQ(parse({}), "not a .npy file: it does not begin with \\x93NUMPY");
  EXPECT_EQ(parse({0x93, 'N', 'U', 'M', 'P'}),
            "not a .npy file: it does not begin with \\x93NUMPY");
  EXPECT_EQ(parse({'P', 'K', 3, 4, 0, 0, 0, 0, 0, 0}),
            "not a .npy file: it does not begin with \\x93NUMPY");
}

TEST(NpyError, Version) {
  EXPECT_EQ(parse(makeFile("{}", 0, 4)),
            "unsupported .npy version 4.0, expected 1.0, 2.0 or 3.0");
  EXPECT_EQ(parse(makeFile("{}", 0, 0)),
            "unsupported .npy version 0.0, expected 1.0, 2.0 or 3.0");
}

TEST(NpyError, HeaderLength) {
  std::vector<uint8_t> huge = makeFile("{}", 0, 2);
  for (int i = 8; i < 12; ++i)
    huge[i] = 0xff;
  EXPECT_EQ(parse(huge), "the file ends inside its header, which claims "
                         "4294967295 bytes of the 2 that follow");
  EXPECT_EQ(parse({0x93, 'N', 'U', 'M', 'P', 'Y', 1}),
            "the file ends inside its header");
  EXPECT_EQ(parse({0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, 1, 0, 0}),
            "the file ends inside its header");
}

TEST(NpyError, Types) {
  EXPECT_EQ(withType("'<f4'"), "");
  EXPECT_EQ(withType("'>f4'"),
            "dtype '>f4' is big-endian, expected little-endian");
  EXPECT_EQ(withType("'|O'"),
            "dtype '|O' holds Python objects, which are not supported");
  EXPECT_EQ(withType("[('a', '<f4'), ('b', '<i4')]"),
            "structured dtypes are not supported, expected f2, f4, f8 or an "
            "integer");
  for (const char *type :
       {"'<f16'", "'<f1'", "'<f3'", "'<i3'", "'<c8'", "'|b1'", "'<U4'", "'|S1'",
        "'|V2'", "''", "'f4'", "'|f4'", "'=f4'", "'<f'", "'<f4 '"})
    EXPECT_NE(withType(type).find("is not supported, expected <f2, <f4, <f8"),
              std::string::npos)
        << type;
  EXPECT_EQ(parseHeader("{'descr': '<f4}"),
            "a string in the header has no end");
  EXPECT_EQ(withType("4"), "expected a quoted string in the header");
  // Bytes that a terminal would act on do not reach a message.
  EXPECT_EQ(withType("'\x1b[2J'"), "dtype '?[2J' is not supported, expected "
                                   "<f2, <f4, <f8 or an integer of 1, 2, 4 or "
                                   "8 bytes");
}

TEST(NpyError, Shapes) {
  EXPECT_EQ(withShape("(0,)"), "");
  EXPECT_EQ(withShape("()", 4), "");
  EXPECT_EQ(withShape("(-1,)"), "the shape has a negative extent");
  EXPECT_EQ(withShape("(9223372036854775808,)"),
            "an extent of the shape does not fit 64 bits");
  EXPECT_EQ(withShape("(99999999999999999999999,)"),
            "an extent of the shape does not fit 64 bits");
  EXPECT_EQ(withShape("(4294967296, 4294967296)"),
            "the shape has more elements than 64 bits can count");
  EXPECT_EQ(withShape("(9223372036854775807,)"),
            "the shape has more elements than 64 bits can count");
  EXPECT_EQ(withShape("(2305843009213693951,)"),
            "the shape needs 9223372036854775804 bytes of data, found 0 "
            "(truncated file)");
  EXPECT_EQ(withShape("(3)", 12), "expected a tuple as shape");
  EXPECT_EQ(withShape("3", 12), "expected a tuple as shape");
  EXPECT_EQ(withShape("[3]", 12), "expected a tuple as shape");
  EXPECT_EQ(withShape("(3 4)"), "expected ',' or ')' in the shape");
  EXPECT_EQ(withShape("(3.0,)"), "expected ',' or ')' in the shape");
  EXPECT_EQ(withShape("(,)"), "expected a number in the shape");
  EXPECT_EQ(withShape("(3,"), "expected a number in the shape");
  std::string deep = "(";
  for (int i = 0; i < 65; ++i)
    deep += "1,";
  EXPECT_EQ(withShape(deep + ")", 4), "the shape has more than 64 dimensions");
}

TEST(NpyError, Sizes) {
  EXPECT_EQ(withShape("(3,)", 12), "");
  EXPECT_EQ(withShape("(3,)", 11), "the shape needs 12 bytes of data, found "
                                   "11 (truncated file)");
  EXPECT_EQ(withShape("(3,)", 13), "the shape needs 12 bytes of data, found "
                                   "13 (trailing bytes)");
}

TEST(NpyError, Dictionary) {
  EXPECT_EQ(parseHeader(""), "expected a dictionary as header");
  EXPECT_EQ(parseHeader("[]"), "expected a dictionary as header");
  EXPECT_EQ(parseHeader("{}"), "the header lacks descr");
  EXPECT_EQ(parseHeader("{'descr': '<f4'}"), "the header lacks fortran_order");
  EXPECT_EQ(parseHeader("{'descr': '<f4', 'fortran_order': False}"),
            "the header lacks shape");
  EXPECT_EQ(parseHeader("{'descr' '<f4'}"), "expected ':' after 'descr'");
  EXPECT_EQ(parseHeader("{'descr': '<f4' 'shape': ()}"),
            "expected ',' or '}' in the header");
  EXPECT_EQ(parseHeader("{'descr': '<f4', 'descr': '<f4'}"),
            "key 'descr' appears twice in the header");
  EXPECT_EQ(parseHeader("{'evil': 1}"), "unknown key 'evil' in the header");
  EXPECT_EQ(parseHeader("{'fortran_order': 0}"),
            "fortran_order must be True or False");
  EXPECT_EQ(parseHeader("{'shape': (0,), 'descr': '<f4', 'fortran_order': "
                        "False} import os"),
            "unexpected text after the header's dictionary");
  EXPECT_EQ(parseHeader("{"), "expected a quoted string in the header");
}

TEST(NpyError, EveryTruncationIsAnError) {
  NpyArray array;
  ASSERT_EQ(fromDoubles({'f', 4}, {3, 5}, std::vector<double>(15, 1.5), array),
            "");
  std::vector<uint8_t> data;
  ASSERT_EQ(encodeNpy(array, data), "");
  for (size_t size = 0; size < data.size(); ++size) {
    // A copy of exactly this size, so that a sanitizer sees any overrun.
    std::vector<uint8_t> prefix(data.begin(), data.begin() + size);
    EXPECT_NE(parse(prefix), "") << size;
  }
}

TEST(NpyError, RandomDamageNeverCrashes) {
  NpyArray array;
  ASSERT_EQ(fromDoubles({'i', 2}, {2, 3, 4}, std::vector<double>(24, 7), array),
            "");
  std::vector<uint8_t> good;
  ASSERT_EQ(encodeNpy(array, good), "");
  std::mt19937_64 rng(1);
  // Characters that mean something in a header are the interesting ones.
  const std::string alphabet = "{}()[]'\",:0123456789-L<>|=fiuOTrueFalse \n";
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> data = good;
    for (int damage = static_cast<int>(rng() % 4); damage >= 0; --damage) {
      const size_t at = rng() % data.size();
      switch (rng() % 4) {
      case 0:
        data[at] = static_cast<uint8_t>(rng());
        break;
      case 1:
        data[at % 80] = static_cast<uint8_t>(alphabet[rng() % alphabet.size()]);
        break;
      case 2:
        data.insert(data.begin() + at,
                    static_cast<uint8_t>(alphabet[rng() % alphabet.size()]));
        break;
      case 3:
        data.erase(data.begin() + at);
        break;
      }
    }
    if (rng() % 4 == 0)
      data.resize(rng() % (data.size() + 1));
    NpyArray read;
    if (parseNpy(data.data(), data.size(), read).empty()) {
      ++accepted;
      // Whatever passed is consistent.
      ASSERT_EQ(countElements(read.shape), int64_t(read.size()));
      ASSERT_EQ(toDoubles(read).size(), read.size());
    }
  }
  // Damage to padding or elements goes unnoticed; most other does not.
  EXPECT_GT(accepted, 100);
  EXPECT_LT(accepted, 15000);
}

} // namespace
