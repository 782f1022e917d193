/* One lookup by c-ares: its error as text, or the first address. */
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>

static int failed;

static void done(void *nothing, int status, int timeouts, struct ares_addrinfo *found) {
  char text[64] = "";
  (void)nothing;
  (void)timeouts;
  failed = status != ARES_SUCCESS;
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

int main(int count, char **words) {
  ares_channel channel;
  struct ares_addrinfo_hints hints;
  (void)count;
  memset(&hints, 0, sizeof hints);
  if (ares_library_init(ARES_LIB_INIT_ALL) || ares_init(&channel))
    return 2;
  ares_getaddrinfo(channel, words[1], NULL, &hints, done, NULL);
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
  return failed;
}
