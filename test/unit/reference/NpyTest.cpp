//===- NpyTest.cpp - Round trips of .npy files ----------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "simplexir/Reference/Npy.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstdio>
#include <random>

using namespace simplexir::reference;

namespace {

NpyArray randomArray(std::mt19937_64 &rng, NpyType type,
                     std::vector<int64_t> shape) {
  NpyArray array;
  array.type = type;
  array.bytes.resize(countElements(shape) * type.bytes);
  array.shape = std::move(shape);
  for (uint8_t &byte : array.bytes)
    byte = static_cast<uint8_t>(rng());
  return array;
}

const NpyType allTypes[] = {{'f', 2}, {'f', 4}, {'f', 8}, {'i', 1},
                            {'i', 2}, {'i', 4}, {'i', 8}, {'u', 1},
                            {'u', 2}, {'u', 4}, {'u', 8}};

TEST(Npy, RoundTripKeepsEveryBit) {
  std::mt19937_64 rng(1);
  for (NpyType type : allTypes)
    for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{
             {}, {1}, {5}, {0}, {2, 3}, {2, 0, 3}, {1, 4, 2, 3}}) {
      NpyArray array = randomArray(rng, type, shape), read;
      std::vector<uint8_t> data;
      ASSERT_EQ(encodeNpy(array, data), "");
      // NumPy aligns the elements.
      EXPECT_EQ((data.size() - array.bytes.size()) % 64, 0u);
      ASSERT_EQ(parseNpy(data.data(), data.size(), read), "");
      EXPECT_EQ(read.type, type);
      EXPECT_EQ(read.shape, shape);
      EXPECT_EQ(read.bytes, array.bytes);
    }
}

TEST(Npy, WritesWhatNumPyWrites) {
  NpyArray array;
  ASSERT_EQ(fromDoubles({'f', 4}, {2, 1}, {1.0, -2.0}, array), "");
  std::vector<uint8_t> data;
  ASSERT_EQ(encodeNpy(array, data), "");
  std::string header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }";
  header.resize(128 - 10 - 1, ' ');
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += header + "\n";
  expected += std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8);
  EXPECT_EQ(std::string(data.begin(), data.end()), expected);
}

TEST(Npy, HeaderOfManyDimensionsStillFits) {
  NpyArray array, read;
  array.shape.assign(64, 1);
  array.bytes.resize(4);
  std::vector<uint8_t> data;
  ASSERT_EQ(encodeNpy(array, data), "");
  ASSERT_EQ(parseNpy(data.data(), data.size(), read), "");
  EXPECT_EQ(read.shape, array.shape);
}

/// A file of any version around a header that is taken as it is.
std::vector<uint8_t> makeFile(int version, const std::string &header,
                              const std::string &elements) {
  std::vector<uint8_t> data = {0x93, 'N', 'U', 'M', 'P', 'Y'};
  data.push_back(static_cast<uint8_t>(version));
  data.push_back(0);
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    data.push_back(static_cast<uint8_t>(header.size() >> (8 * i)));
  data.insert(data.end(), header.begin(), header.end());
  data.insert(data.end(), elements.begin(), elements.end());
  return data;
}

TEST(Npy, AllVersionsAndSpellings) {
  for (int version = 1; version <= 3; ++version)
    for (const char *header :
         {"{'descr': '<u2', 'fortran_order': False, 'shape': (2,), }\n",
          "{'shape': (2,),'fortran_order':False,'descr':'<u2'}",
          "  {\"descr\" : \"<u2\" ,\n\t\"shape\" : ( 2 , ) , "
          "\"fortran_order\" : False }  \n\n",
          "{'descr': '<u2', 'fortran_order': True, 'shape': (2L,), }\n"}) {
      NpyArray array;
      std::vector<uint8_t> data =
          makeFile(version, header, std::string("\x01\x00\x00\x02", 4));
      ASSERT_EQ(parseNpy(data.data(), data.size(), array), "") << header;
      EXPECT_EQ(toDoubles(array), (std::vector<double>{1, 512}));
    }
}

TEST(Npy, FortranOrder) {
  // NumPy's np.asfortranarray(np.arange(24).reshape(2, 3, 4)).
  std::string elements;
  for (int c = 0; c < 4; ++c)
    for (int b = 0; b < 3; ++b)
      for (int a = 0; a < 2; ++a)
        elements += static_cast<char>(a * 12 + b * 4 + c);
  std::vector<uint8_t> data =
      makeFile(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4)}",
               elements);
  NpyArray array;
  ASSERT_EQ(parseNpy(data.data(), data.size(), array), "");
  for (size_t e = 0; e < 24; ++e)
    EXPECT_EQ(array.bytes[e], e);
}

TEST(Npy, FortranOrderWithoutElements) {
  std::vector<uint8_t> data =
      makeFile(1,
               "{'descr': '|u1', 'fortran_order': True, 'shape': "
               "(4611686018427387904, 4611686018427387904, 0)}",
               "");
  NpyArray array;
  ASSERT_EQ(parseNpy(data.data(), data.size(), array), "");
  EXPECT_EQ(array.size(), 0u);
}

TEST(Npy, Conversions) {
  NpyArray array;
  const double inf = HUGE_VAL;
  ASSERT_EQ(fromDoubles({'f', 2}, {4}, {1.0 + 0x1p-11, -inf, 1e9, -0.0}, array),
            "");
  EXPECT_EQ(toDoubles(array), (std::vector<double>{1.0, -inf, inf, 0.0}));
  EXPECT_TRUE(std::signbit(toDoubles(array)[3]));
  ASSERT_EQ(fromDoubles({'f', 4}, {1}, {0.1}, array), "");
  EXPECT_EQ(toDoubles(array)[0], 0.1f);
  ASSERT_EQ(fromDoubles({'f', 8}, {1}, {0.1}, array), "");
  EXPECT_EQ(toDoubles(array)[0], 0.1);
  ASSERT_EQ(fromDoubles({'i', 1}, {2}, {-128, 127}, array), "");
  EXPECT_EQ(toDoubles(array), (std::vector<double>{-128, 127}));
  EXPECT_EQ(fromDoubles({'i', 1}, {1}, {128}, array),
            "element 0 is not a value of |i1");
  EXPECT_EQ(fromDoubles({'u', 4}, {2}, {0, -1}, array),
            "element 1 is not a value of <u4");
  EXPECT_EQ(fromDoubles({'u', 4}, {1}, {0.5}, array),
            "element 0 is not a value of <u4");
  EXPECT_EQ(fromDoubles({'f', 4}, {3}, {0.5}, array),
            "the shape does not match the 1 elements");
}

TEST(Npy, Indices) {
  int64_t index = 0;
  for (NpyType type : allTypes) {
    NpyArray array;
    if (type.kind == 'f') {
      ASSERT_EQ(fromDoubles(type, {}, {1}, array), "");
      EXPECT_EQ(toIndex(array, index),
                "expected an integer, found " + type.str());
      continue;
    }
    const double value = type.kind == 'i' ? -100 : 200;
    ASSERT_EQ(fromDoubles(type, {}, {value}, array), "");
    EXPECT_EQ(toIndex(array, index), "");
    EXPECT_EQ(index, value);
  }
  NpyArray array;
  array.type = {'i', 8};
  array.bytes = {1, 0, 0, 0, 0, 0, 0, 0x80};
  EXPECT_EQ(toIndex(array, index), "");
  EXPECT_EQ(index, INT64_MIN + 1);
  array.type = {'u', 8};
  EXPECT_EQ(toIndex(array, index), "the integer does not fit 64 signed bits");
  ASSERT_EQ(fromDoubles({'i', 8}, {1}, {5}, array), "");
  EXPECT_EQ(toIndex(array, index),
            "expected an integer of rank 0, found rank 1");
}

TEST(Npy, Files) {
  const std::string path = testing::TempDir() + "simplexir-npy-test.npy";
  std::mt19937_64 rng(2);
  NpyArray array = randomArray(rng, {'f', 4}, {300, 1000}), read;
  ASSERT_EQ(writeNpy(path, array), "");
  ASSERT_EQ(readNpy(path, read), "");
  EXPECT_EQ(read.bytes, array.bytes);
  std::FILE *empty = std::fopen(path.c_str(), "wb");
  ASSERT_NE(empty, nullptr);
  std::fclose(empty);
  EXPECT_EQ(readNpy(path, read),
            path + ": not a .npy file: it does not begin with \\x93NUMPY");
  EXPECT_EQ(std::remove(path.c_str()), 0);
  EXPECT_EQ(readNpy(path, read).find(path + ": cannot open: "), 0u);
  EXPECT_EQ(readNpy(testing::TempDir(), read).find(testing::TempDir() + ": "),
            0u);
  EXPECT_EQ(writeNpy(path + "/no/such/folder.npy", array)
                .find(path + "/no/such/folder.npy: cannot open: "),
            0u);
}

} // namespace
