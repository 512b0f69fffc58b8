/* A program that only helps. */
#include "small.h"
void _start(void) { burn(7); leave(0); }
