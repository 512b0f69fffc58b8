/* Just enough of a C library that callgrind's files stay small: x86-64 Linux, linked with -nostdlib. */
static long call(long number, long a, long b, long c, long d) {
  long result;
  register long d_register __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(d_register) : "rcx", "r11", "memory");
  return result;
}
static void leave(int code) { call(60, code, 0, 0, 0); __builtin_unreachable(); }
#define APART __attribute__((noinline, noclone))
volatile long sink = 1; /* in the file, not in zeroed memory: valgrind reads names only where data are mapped too */
APART void burn(long rounds) { for (long i = 0; i < rounds; i++) sink += i; }
