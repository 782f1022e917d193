/* One lookup by c-ares: its error as text, or the first address. With a number behind the name: as many lookups, and how many
 * microseconds the quickest took. */
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

static int failed, is_measured;

static void done(void *nothing, int status, int timeouts, struct ares_addrinfo *found) {
  char text[64] = "";
  (void)nothing;
  (void)timeouts;
  failed = status != ARES_SUCCESS;
  if (is_measured)
    return;
  if (failed) {
    puts(ares_strerror(status));
    return;
  }
  if (found->nodes->ai_family == AF_INET)
    inet_ntop(AF_INET, &((struct sockaddr_in *)found->nodes->ai_addr)->sin_addr, text, sizeof text);
  else
    inet_ntop(AF_INET6, &((struct sockaddr_in6 *)found->nodes->ai_addr)->sin6_addr, text, sizeof text);
  puts(text);
  ares_freeaddrinfo(found);
}

static void look(ares_channel channel, const char *name) {
  struct ares_addrinfo_hints hints;
  memset(&hints, 0, sizeof hints);
  ares_getaddrinfo(channel, name, NULL, &hints, done, NULL);
  for (;;) {
    fd_set readers, writers;
    struct timeval patience, *wait;
    int files;
    FD_ZERO(&readers);
    FD_ZERO(&writers);
    files = ares_fds(channel, &readers, &writers);
    if (files == 0)
      break;
    wait = ares_timeout(channel, NULL, &patience);
    select(files, &readers, &writers, NULL, wait);
    ares_process(channel, &readers, &writers);
  }
}

int main(int count, char **words) {
  ares_channel channel;
  int left = count > 2 ? atoi(words[2]) : 1;
  long least = -1;
  is_measured = count > 2;
  if (ares_library_init(ARES_LIB_INIT_ALL) || ares_init(&channel))
    return 2;
  while (left-- > 0) {
    struct timespec before, after;
    long took;
    clock_gettime(CLOCK_MONOTONIC, &before);
    look(channel, words[1]);
    clock_gettime(CLOCK_MONOTONIC, &after);
    took = (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
    if (least < 0 || took < least)
      least = took;
  }
  if (is_measured)
    printf("%ld\n", least);
  return failed;
}
