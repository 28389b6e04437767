//===- NpyHeader.cpp - The header of a .npy file --------------------------===//
//
// Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
// See the LICENSE file for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NpyHeader.h"

using namespace simplexir::reference;

/// NumPy's own limit.
static constexpr size_t maxRank = 64;

/// Text from a file, fit for a message.
static std::string quote(std::string_view text) {
  std::string quoted = "'";
  for (char c : text.substr(0, 32))
    quoted += c >= 0x20 && c < 0x7f ? c : '?';
  return quoted + (text.size() > 32 ? "...'" : "'");
}

namespace {
/// A reader of the literal that NumPy writes: {'descr': '<f4', 'fortran_order':
/// False, 'shape': (3, 4), }. Each parse function returns false after setting
/// `error`.
class HeaderParser {
public:
  HeaderParser(std::string_view text, NpyHeader &header)
      : text(text), header(header) {}

  bool parse();
  std::string error;

private:
  bool fail(std::string message) {
    error = std::move(message);
    return false;
  }
  void skipSpace() {
    while (position < text.size() &&
           (text[position] == ' ' || text[position] == '\t' ||
            text[position] == '\n' || text[position] == '\r'))
      ++position;
  }
  /// Takes `c` after white space.
  bool take(char c) {
    skipSpace();
    if (position >= text.size() || text[position] != c)
      return false;
    ++position;
    return true;
  }
  bool takeWord(std::string_view word) {
    skipSpace();
    if (text.substr(position, word.size()) != word)
      return false;
    position += word.size();
    return true;
  }

  bool parseString(std::string_view &value);
  bool parseItem();
  bool parseType();
  bool parseOrder();
  bool parseShape();
  bool parseExtent();

  std::string_view text;
  size_t position = 0;
  NpyHeader &header;
  bool sawType = false, sawOrder = false, sawShape = false;
};
} // namespace

bool HeaderParser::parseString(std::string_view &value) {
  skipSpace();
  if (position >= text.size() ||
      (text[position] != '\'' && text[position] != '"'))
    return fail("expected a quoted string in the header");
  const char quoteChar = text[position++];
  const size_t end = text.find(quoteChar, position);
  if (end == std::string_view::npos)
    return fail("a string in the header has no end");
  value = text.substr(position, end - position);
  position = end + 1;
  return true;
}

bool HeaderParser::parseType() {
  skipSpace();
  if (position < text.size() && text[position] == '[')
    return fail("structured dtypes are not supported, expected f2, f4, f8 or "
                "an integer");
  std::string_view descr;
  if (!parseString(descr))
    return false;
  const std::string name = "dtype " + quote(descr);
  if (descr.find('O') != std::string_view::npos)
    return fail(name + " holds Python objects, which are not supported");
  if (!descr.empty() && descr[0] == '>')
    return fail(name + " is big-endian, expected little-endian");
  const bool sized = descr.size() == 3 && descr[2] >= '1' && descr[2] <= '8';
  const int bytes = sized ? descr[2] - '0' : 0;
  const char kind = sized ? descr[1] : 0;
  const bool powerOfTwo = bytes && (bytes & (bytes - 1)) == 0;
  const bool known = (kind == 'f' && powerOfTwo && bytes >= 2) ||
                     ((kind == 'i' || kind == 'u') && powerOfTwo);
  const bool ordered =
      sized && (descr[0] == '<' || (descr[0] == '|' && bytes == 1));
  if (!known || !ordered)
    return fail(name + " is not supported, expected <f2, <f4, <f8 or an "
                       "integer of 1, 2, 4 or 8 bytes");
  header.type = {kind, bytes};
  return true;
}

bool HeaderParser::parseOrder() {
  if (takeWord("True")) {
    header.fortranOrder = true;
    return true;
  }
  if (takeWord("False")) {
    header.fortranOrder = false;
    return true;
  }
  return fail("fortran_order must be True or False");
}

bool HeaderParser::parseExtent() {
  skipSpace();
  if (position < text.size() && text[position] == '-')
    return fail("the shape has a negative extent");
  const size_t begin = position;
  uint64_t extent = 0;
  while (position < text.size() && text[position] >= '0' &&
         text[position] <= '9') {
    const uint64_t digit = static_cast<uint64_t>(text[position++] - '0');
    if (extent > (uint64_t(INT64_MAX) - digit) / 10)
      return fail("an extent of the shape does not fit 64 bits");
    extent = extent * 10 + digit;
  }
  if (position == begin)
    return fail("expected a number in the shape");
  // Python 2 wrote its longs so.
  if (position < text.size() && text[position] == 'L')
    ++position;
  if (header.shape.size() == maxRank)
    return fail("the shape has more than " + std::to_string(maxRank) +
                " dimensions");
  header.shape.push_back(static_cast<int64_t>(extent));
  return true;
}

bool HeaderParser::parseShape() {
  if (!take('('))
    return fail("expected a tuple as shape");
  header.shape.clear();
  bool comma = true;
  while (!take(')')) {
    if (!comma)
      return fail("expected ',' or ')' in the shape");
    if (!parseExtent())
      return false;
    comma = take(',');
  }
  // (3) is a number in Python, not a tuple.
  if (header.shape.size() == 1 && !comma)
    return fail("expected a tuple as shape");
  return true;
}

bool HeaderParser::parseItem() {
  std::string_view key;
  if (!parseString(key))
    return false;
  if (!take(':'))
    return fail("expected ':' after " + quote(key));
  bool *saw = key == "descr"           ? &sawType
              : key == "fortran_order" ? &sawOrder
              : key == "shape"         ? &sawShape
                                       : nullptr;
  if (!saw)
    return fail("unknown key " + quote(key) + " in the header");
  if (*saw)
    return fail("key " + quote(key) + " appears twice in the header");
  *saw = true;
  if (saw == &sawType)
    return parseType();
  if (saw == &sawOrder)
    return parseOrder();
  return parseShape();
}

bool HeaderParser::parse() {
  if (!take('{'))
    return fail("expected a dictionary as header");
  bool comma = true;
  while (!take('}')) {
    if (!comma)
      return fail("expected ',' or '}' in the header");
    if (!parseItem())
      return false;
    comma = take(',');
  }
  skipSpace();
  if (position != text.size())
    return fail("unexpected text after the header's dictionary");
  if (!sawType || !sawOrder || !sawShape)
    return fail(std::string("the header lacks ") + (!sawType ? "descr"
                                                    : !sawOrder
                                                        ? "fortran_order"
                                                        : "shape"));
  return true;
}

std::string simplexir::reference::parseNpyHeader(std::string_view text,
                                                 NpyHeader &header) {
  HeaderParser parser(text, header);
  return parser.parse() ? std::string() : parser.error;
}
