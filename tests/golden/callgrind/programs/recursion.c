/* One function that calls itself, and two that call each other. */
#include "small.h"
APART int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
APART int even(int n);
APART int odd(int n) { burn(1); return n == 0 ? 0 : even(n - 1); }
APART int even(int n) { burn(2); return n == 0 ? 1 : odd(n - 1); }
void _start(void) {
  sink = fib(10);
  sink = even(9);
  leave(0);
}
