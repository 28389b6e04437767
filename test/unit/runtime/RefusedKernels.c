/* Part of SimplexIR, under the Apache License v2.0 with LLVM Exceptions.
 * See the LICENSE file for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */

/* What the object loader refuses, one at a time. */

#include <stdint.h>

#ifdef USE_UNKNOWN_SYMBOL
extern int system(const char *);
#define EFFECT() (void)system("true")
#endif

#ifdef USE_THREAD_LOCAL
__thread int counter;
#define EFFECT() ++counter
#endif

#ifdef USE_CONSTRUCTOR
static volatile int ready;
__attribute__((constructor)) static void prepare(void) { ready = 1; }
#define EFFECT() (void)ready
#endif

#ifdef USE_COMMON
int shared;
#define EFFECT() ++shared
#endif

void count(const int64_t *words, int64_t begin, int64_t end, void *workspace) {
  (void)words, (void)begin, (void)end, (void)workspace;
  EFFECT();
}
