/* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
 * See the LICENSE file for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */

/* The object files, as bytes. */

#define EMBED(name)                                                            \
  __asm__(".section .rodata\n"                                                 \
          ".global object_" #name "\n"                                         \
          ".global object_" #name "_end\n"                                     \
          "object_" #name ":\n"                                                \
          ".incbin \"" OBJECT_DIR "/" #name ".o\"\n"                           \
          "object_" #name "_end:\n"                                            \
          ".byte 0\n"                                                          \
          ".previous\n")

EMBED(good);
EMBED(absolute);
EMBED(symbol);
EMBED(thread_local);
EMBED(constructor);
EMBED(common);

/* Keeps the compiler from calling the file empty. */
extern const char object_good[];
const char *const simplexTestObjects = object_good;
