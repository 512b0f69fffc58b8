/* The same function in two threads. */
#include <pthread.h>
volatile long sink;
__attribute__((noinline)) static void burn(long rounds) { for (long i = 0; i < rounds; i++) sink += i; }
static void *in_thread(void *unused) { burn(500); return unused; }
int main(void) {
  pthread_t thread;
  pthread_create(&thread, 0, in_thread, 0);
  pthread_join(thread, 0);
  burn(100);
  return 0;
}
