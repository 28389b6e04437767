//===- Container.cpp - Header and sections of a .simplex file -------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manifest.h"
#include "Support.h"

#include <cstring>

using namespace simplexir;

// The layout of docs/artifact.md. Sections follow the table in its order, each
// at the next multiple of 64, so that there is one way only to write a file
// and no byte that nobody checks.
static const char magic[8] = {'S', 'I', 'M', 'P', 'L', 'E', 'X', '\0'};
static constexpr size_t headerSize = 32;
static constexpr size_t hashOffset = 24;
static constexpr size_t entrySize = 24;
static constexpr size_t sectionAlign = 64;

static size_t alignUp(size_t value) {
  return (value + sectionAlign - 1) / sectionAlign * sectionAlign;
}

uint64_t simplexir::hashBytes(const uint8_t *data, size_t size,
                              uint64_t state) {
  for (size_t i = 0; i < size; ++i)
    state = (state ^ data[i]) * 0x100000001b3ull;
  return state;
}

/// The hash of the header (without its hash) and the section table, which
/// holds the hashes of all sections: it identifies the whole file.
static uint64_t hashOfHeader(const uint8_t *data, size_t tableEnd) {
  uint64_t state = hashBytes(data, hashOffset);
  return hashBytes(data + headerSize, tableEnd - headerSize, state);
}

std::string simplexir::serialize(const Artifact &artifact) {
  std::string error;
  if (!validate(artifact, error))
    return {};
  std::string manifest = encodeManifest(artifact);
  std::vector<const std::string *> sections{&manifest};
  for (const Image &image : artifact.images)
    sections.push_back(&image.data);

  size_t tableEnd = headerSize + sections.size() * entrySize;
  size_t total = alignUp(tableEnd);
  for (size_t i = 0; i < sections.size(); ++i)
    total = (i + 1 < sections.size()) ? alignUp(total + sections[i]->size())
                                      : total + sections[i]->size();

  ByteWriter out;
  out.bytes.reserve(total);
  out.bytes.append(magic, sizeof(magic));
  out.u32(formatVersion);
  out.u32(static_cast<uint32_t>(sections.size()));
  out.u64(total);
  out.u64(0); // the hash, when the table is known
  size_t offset = alignUp(tableEnd);
  for (const std::string *section : sections) {
    out.u64(offset);
    out.u64(section->size());
    out.u64(hashBytes(reinterpret_cast<const uint8_t *>(section->data()),
                      section->size()));
    offset = alignUp(offset + section->size());
  }
  uint64_t hash = hashOfHeader(
      reinterpret_cast<const uint8_t *>(out.bytes.data()), tableEnd);
  for (int i = 0; i < 8; ++i)
    out.bytes[hashOffset + i] = static_cast<char>(hash >> (8 * i));
  for (const std::string *section : sections) {
    out.bytes.resize(alignUp(out.bytes.size()), '\0');
    out.bytes += *section;
  }
  return std::move(out.bytes);
}

uint32_t simplexir::containerVersion(const uint8_t *data, size_t size) {
  if (size < headerSize || std::memcmp(data, magic, sizeof(magic)) != 0)
    return 0;
  ByteReader in(data + sizeof(magic), 4);
  return in.u32();
}

namespace {
struct Section {
  const uint8_t *data;
  size_t size;
};
} // namespace

static bool parseSections(const uint8_t *data, size_t size,
                          std::vector<Section> &sections, std::string &error) {
  if (size < headerSize || std::memcmp(data, magic, sizeof(magic)) != 0) {
    error = "not a .simplex artifact: it does not start with the magic bytes";
    return false;
  }
  ByteReader in(data + sizeof(magic), headerSize - sizeof(magic));
  uint32_t version = in.u32(), count = in.u32();
  uint64_t total = in.u64(), hash = in.u64();
  // The version comes first: a later one can give every other byte a new
  // meaning, and the user should hear "newer", not "damaged".
  if (version > formatVersion) {
    error = format("the artifact has format version %u, but this runtime reads "
                   "versions up to %u: update the runtime",
                   version, formatVersion);
    return false;
  }
  if (version == 0) {
    error = "damaged artifact: format version 0 does not exist";
    return false;
  }
  if (total != size) {
    error = format("damaged artifact: its header says %llu bytes, found %llu",
                   ull(total), ull(size));
    return false;
  }
  if (count == 0 || count > maxImages + 1 ||
      count > (size - headerSize) / entrySize) {
    error =
        format("damaged artifact: impossible number of sections, %u", count);
    return false;
  }
  size_t tableEnd = headerSize + count * entrySize;
  if (hashOfHeader(data, tableEnd) != hash) {
    error = "damaged artifact: the hash of the header does not match";
    return false;
  }

  ByteReader table(data + headerSize, tableEnd - headerSize);
  size_t end = tableEnd;
  for (uint32_t i = 0; i < count; ++i) {
    uint64_t offset = table.u64(), length = table.u64(), expected = table.u64();
    // `end` is at most `size`, so alignUp cannot overflow.
    if (offset != alignUp(end) || offset > size || length > size - offset) {
      error = format("damaged artifact: section %u lies outside the file", i);
      return false;
    }
    for (size_t pad = end; pad < offset; ++pad)
      if (data[pad] != 0) {
        error = format("damaged artifact: padding before section %u is not "
                       "zero",
                       i);
        return false;
      }
    if (hashBytes(data + offset, length) != expected) {
      error = format("damaged artifact: the hash of section %u (%s) does not "
                     "match",
                     i, i == 0 ? "manifest" : "image");
      return false;
    }
    sections.push_back({data + offset, static_cast<size_t>(length)});
    end = offset + length;
  }
  if (end != size) {
    error = format("damaged artifact: %llu bytes after the last section",
                   ull(size - end));
    return false;
  }
  return true;
}

bool simplexir::parse(const uint8_t *data, size_t size, Artifact &artifact,
                      std::string &error) {
  artifact = {};
  std::vector<Section> sections;
  if (!parseSections(data, size, sections, error))
    return false;
  Artifact result;
  if (!decodeManifest(sections[0].data, sections[0].size,
                      containerVersion(data, size), result, error))
    return false;
  if (result.images.size() != sections.size() - 1) {
    error = format("damaged artifact: the manifest lists %llu images, found "
                   "%llu image sections",
                   ull(result.images.size()), ull(sections.size() - 1));
    return false;
  }
  for (size_t i = 0; i < result.images.size(); ++i)
    result.images[i].data.assign(
        reinterpret_cast<const char *>(sections[i + 1].data),
        sections[i + 1].size);
  if (!validate(result, error)) {
    error = "damaged artifact: " + error;
    return false;
  }
  artifact = std::move(result);
  return true;
}
