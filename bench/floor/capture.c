// Takes what a program writes and moves it from the pipe into a file, nothing else: capture FILE PROGRAM [ARG]...
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int ends[2], file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || pipe2(ends, O_CLOEXEC) != 0) return perror("capture"), 1;
  fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
  pid_t child = vfork();
  if (child == 0) {
    dup2(ends[1], 1);
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  close(ends[1]);
  loff_t offset = 0;
  ssize_t moved;
  while ((moved = splice(ends[0], NULL, file, &offset, 1 << 20, SPLICE_F_MOVE)) > 0) {}
  unlink(argv[1]);
  int status;
  return moved == 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}
