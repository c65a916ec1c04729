// tick COUNT PAUSE DELAY: after DELAY microseconds writes COUNT lines, each the time it was written (CLOCK_MONOTONIC, ns), with
// PAUSE microseconds between.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  long count = atol(argv[1]);
  usleep((useconds_t)atol(argv[3]));
  for (long i = 0; i < count; i++) {
    char line[32];
    struct timespec t;
    usleep((useconds_t)atol(argv[2]));
    clock_gettime(CLOCK_MONOTONIC, &t);
    int length = snprintf(line, sizeof line, "%lld\n", t.tv_sec * 1000000000LL + t.tv_nsec);
    if (write(1, line, (size_t)length) != length) return 1;
  }
  return 0;
}
