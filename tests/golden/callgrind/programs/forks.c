/* A child that works on, a child that becomes this program again, a child that becomes a helper. */
#include "small.h"
static char *arguments_of_copy[] = {"forks", "copy", 0}, *arguments_of_helper[] = {"helper", 0}, *no_environment[] = {0};
APART int fork(void) { return call(57, 0, 0, 0, 0); }
APART void in_parent(void) { burn(1000); }
APART void in_fork(void) { burn(200); }
APART void in_copy(void) { burn(30); }
static void wait_for(long child) { call(61, child, 0, 0, 0); }
static void run(const char *path, char **arguments) {
  long child = fork();
  if (child == 0) {
    call(59, (long)path, (long)arguments, (long)no_environment, 0);
    leave(127);
  }
  wait_for(child);
}
void work(long *stack) {
  if (stack[0] > 1) {
    in_copy();
    leave(0);
  }
  in_parent();
  long child = fork();
  if (child == 0) {
    in_fork();
    leave(0);
  }
  wait_for(child);
  run("/tmp/sample/forks", arguments_of_copy);
  run("/tmp/sample/helper", arguments_of_helper);
  in_parent();
  leave(0);
}
__asm__(".globl _start\n.type _start,@function\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call work\n.size _start, .-_start\n");
