/* The limit of stop-and-wait: a line, its `ok`, the next line. `pingpong marlin|grbl PORT BAUD FILE` */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int port;

static void send_line(const char *text, size_t size)
{
    static char answer[4096];
    static size_t have;
    while (size) {
        ssize_t n = write(port, text, size);
        if (n < 0) perror("write"), exit(1);
        text += n, size -= (size_t)n;
    }
    for (;;) {
        char *end = memchr(answer, '\n', have);
        if (end) {
            int is_ok = !strncmp(answer, "ok", 2);
            have -= (size_t)(end + 1 - answer);
            memmove(answer, end + 1, have);
            if (is_ok) return;
            continue;
        }
        ssize_t n = read(port, answer + have, sizeof answer - have);
        if (n <= 0) perror("read"), exit(1);
        have += (size_t)n;
    }
}

int main(int argc, char **argv)
{
    char text[256], numbered[300];
    int is_marlin = argc > 1 && !strcmp(argv[1], "marlin");
    struct termios raw;
    if (argc < 5) return 2;
    FILE *file = fopen(argv[4], "r");
    port = open(argv[2], O_RDWR | O_NOCTTY);
    if (!file || port < 0) perror(argv[2]), exit(1);
    tcgetattr(port, &raw), cfmakeraw(&raw), tcsetattr(port, TCSANOW, &raw);
    usleep(200000); /* a GRBL greets */
    tcflush(port, TCIFLUSH);
    puts("ready"), fflush(stdout);
    if (!fgets(text, sizeof text, stdin)) return 1;
    for (long number = 0; number == 0 || fgets(text, sizeof text, file); number++) {
        unsigned char sum = 0;
        if (!is_marlin) {
            if (number) send_line(text, strlen(text));
            continue;
        }
        if (number == 0) strcpy(text, "M110 N0");
        text[strcspn(text, "\n")] = 0;
        int size = sprintf(numbered, "N%ld %s", number, text);
        for (int i = 0; i < size; i++) sum ^= (unsigned char)numbered[i];
        size += sprintf(numbered + size, "*%d\n", sum);
        send_line(numbered, (size_t)size);
    }
    puts("done"), fflush(stdout);
    pause();
}
