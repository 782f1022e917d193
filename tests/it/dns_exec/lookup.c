/* One lookup by the C library that this is linked with: its error's number, or the first address. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **words) {
  struct addrinfo hints, *found;
  char text[64];
  int error;
  memset(&hints, 0, sizeof hints);
  hints.ai_family = count > 2 ? AF_INET : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  error = getaddrinfo(words[1], NULL, &hints, &found);
  if (error) {
    printf("%d\n", error);
    return 1;
  }
  getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
  puts(text);
  return 0;
}
