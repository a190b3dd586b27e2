/* A machine on a pty that measures what a sender does to it. Built and run by bench/simulator.py.
 *
 * It answers as Marlin or GRBL 1.1 do on the level of bytes, and measures where it counts: at the
 * firmware. A line counts as executed when the planner takes it. Moves compute nothing here, so a
 * fast sender is measured and not the simulator; `--block-us` gives every move a duration.
 *
 *   --kind marlin|grbl   --link PATH (a symlink to the port)   --program FILE (what should arrive)
 *   --baud N     bytes arrive and leave at N baud, ten bits each, at their own exact times
 *                (the host's bytes wait in the kernel's queue meanwhile); 0: no limit
 *   --latency-us N   every answer is that much later (USB adapters: 1000)
 *   --bad R --seed N   that share of the lines arrives with one character changed, once moving
 *   --line-us N      the firmware takes that long to understand a line (an AVR: 5 ms)
 *   --block-us N     every move lasts that long, 15 (GRBL) or 16 (Marlin) are planned ahead
 *
 * On stdout: "at LINK" when it is there, "moving" at the program's first move, "done" at its last, and after
 * SIGTERM one JSON object. Behaviour follows Marlin's queue.cpp (one number more than the last, XOR
 * checksum, input flushed with every resend request) and gnea/grbl's interface.md (128 bytes of
 * input, real-time bytes taken out of it as they arrive, `ok` once the planner has the line).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define RX_SIZE 128        /* RX_BUFFER_SIZE of both; a ring buffer holds one byte less */
#define LINE_SIZE 256
#define OUT_SIZE (1 << 16) /* answers that have not left yet */
#define TICK_NS 60000      /* how often a busy wire is looked at */
#define MARKS 4096
#define PLANNER_MARLIN 16
#define PLANNER_GRBL 15

static int is_grbl, master = -1;
static double byte_s, latency_s, bad_ratio, block_s, line_s;
static volatile sig_atomic_t stopping;
static uint64_t dice = 1;

/* The program: where each expected move goes, and how long its line is in the file. */
static struct { double x, y; int bytes; const char *text; } *moves;
static int move_count, next_move, wrong_moves, exact_lines;
static double *gaps, first_at, last_at;
static long long program_bytes, wire_bytes; /* of the executed moves after the first */
static long resends, refused, damaged, overflowed, starved, checked, status_asked;

/* What was received and not yet understood. */
static char rx[RX_SIZE];
static int rx_len;
static char line[LINE_SIZE];
static int line_len;
static long outstanding, most_outstanding; /* bytes that came and are not answered, with the queue */
static long last_number;

static struct { char byte; int frees; double due; } out[OUT_SIZE]; /* frees: bytes answered by it */
static unsigned out_head, out_tail;
static double busy_until;        /* the firmware is still at the last line */
static double in_free, out_free; /* until then the wire is busy with the byte before */

static double planner[PLANNER_MARLIN]; /* when each planned move ends */
static int planned;
static int held, check_mode;
static double auto_report_at;

/* When something a person has asked for was seen: monotonic seconds and what it was. */
static struct { double at; char what[8]; } marks[MARKS];
static int mark_count;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static double roll(void) /* xorshift64*, 0 <= it < 1: the same seed spoils the same lines */
{
    dice ^= dice >> 12, dice ^= dice << 25, dice ^= dice >> 27;
    return (double)((dice * 2685821657736338717ULL) >> 11) / 9007199254740992.0;
}

static void mark(double at, const char *what)
{
    if (mark_count < MARKS) {
        marks[mark_count].at = at;
        snprintf(marks[mark_count++].what, sizeof marks->what, "%s", what);
    }
}

static void say(double at, const char *text)
{
    double ready = at + latency_s;
    for (; *text; text++) {
        if (out_head - out_tail >= OUT_SIZE) return; /* nobody reads: a UART loses it too */
        out_free = fmax(out_free, ready) + byte_s;
        out[out_head % OUT_SIZE].byte = *text;
        out[out_head % OUT_SIZE].frees = 0;
        out[out_head++ % OUT_SIZE].due = out_free;
    }
}

static void acknowledge(double at, int size, const char *text)
{
    say(at, text);
    out[(out_head - 1) % OUT_SIZE].frees = size;
}

/* --- the planner ------------------------------------------------------------------------- */

static void run_planner(double at)
{
    int done = 0;
    while (done < planned && planner[done] <= at) done++;
    if (done && done == planned && next_move > 1 && next_move < move_count) starved++;
    memmove(planner, planner + done, (size_t)(planned -= done) * sizeof *planner);
}

static int has_room(double at)
{
    if (at < busy_until) return 0;
    if (block_s == 0) return 1;
    run_planner(at);
    return planned < (is_grbl ? PLANNER_GRBL : PLANNER_MARLIN);
}

/* When the next line may be understood, if nothing else comes. */
static double room_at(void)
{
    int is_full = planned == (is_grbl ? PLANNER_GRBL : PLANNER_MARLIN);
    return fmax(busy_until, is_full ? planner[0] : 0);
}

static int value(const char *text, char letter, double *to)
{
    const char *at = strchr(text, letter);
    return at ? (*to = strtod(at + 1, NULL), 1) : 0;
}

/* Spaces mean nothing to either firmware, and some senders leave them out. */
static int same_words(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == ' ') a++;
        while (*b == ' ') b++;
        if (*a != *b || !*a) return *a == *b;
    }
}

static int is_move(const char *text)
{
    char *rest; /* G1 or G01; some senders write lines anew */
    return text[0] == 'G' && strtol(text + 1, &rest, 10) == 1 && *rest != '.' && strchr(rest, 'X');
}

static void execute_move(double at, const char *text, int size)
{
    double x = NAN, y = NAN;
    if (check_mode) {
        checked++;
        return;
    }
    value(text, 'X', &x), value(text, 'Y', &y);
    if (next_move >= move_count || fabs(x - moves[next_move].x) > 1e-3
        || fabs(y - moves[next_move].y) > 1e-3) {
        wrong_moves++;
        return;
    }
    exact_lines += same_words(text, moves[next_move].text);
    if (next_move == 0) {
        first_at = at;
        puts("moving"), fflush(stdout);
    } else {
        gaps[next_move - 1] = at - last_at;
        program_bytes += moves[next_move].bytes;
        wire_bytes += size;
    }
    last_at = at;
    if (block_s > 0) {
        double begin = planned ? planner[planned - 1] : at;
        planner[planned++] = begin + block_s;
    }
    if (++next_move == move_count) puts("done"), fflush(stdout);
}

/* --- Marlin ------------------------------------------------------------------------------ */

static const char IDENTITY[] =
    "FIRMWARE_NAME:Marlin 2.1.2 (bench) SOURCE_CODE_URL:none PROTOCOL_VERSION:1.0 "
    "MACHINE_TYPE:Bench EXTRUDER_COUNT:1 UUID:00000000-0000-0000-0000-000000000000\n"
    "Cap:SERIAL_XON_XOFF:0\nCap:EEPROM:1\nCap:AUTOREPORT_POS:0\nCap:AUTOREPORT_TEMP:1\n"
    "Cap:PROGRESS:0\nCap:AUTOLEVEL:0\nCap:RUNOUT:0\nCap:EMERGENCY_PARSER:1\n"
    "Cap:HOST_ACTION_COMMANDS:0\nCap:THERMAL_PROTECTION:1\nCap:ARCS:1\nCap:BABYSTEPPING:0\nok\n";
static const char HEAT[] = "T:210.00 /210.00 B:60.00 /60.00 @:64 B@:32\n";
static const char WHERE[] = "X:0.00 Y:0.00 Z:0.00 E:0.00 Count X:0 Y:0 Z:0\nok\n";

static void request_resend(double at, const char *why, int size)
{
    char text[160];
    snprintf(text, sizeof text, "Error:%s, Last Line: %ld\nResend: %ld\nok\n", why, last_number,
             last_number + 1);
    resends++;
    outstanding -= rx_len; /* what has arrived behind it is thrown away unread */
    rx_len = 0;
    acknowledge(at, size, text);
}

static int is(const char *text, const char *command)
{
    size_t n = strlen(command);
    return strncmp(text, command, n) == 0 && (text[n] < '0' || text[n] > '9');
}

/* The line without number and checksum; NULL when it was refused. */
static char *accepted(double at, char *text, int size)
{
    char *star = strrchr(text, '*'), *rest;
    unsigned char sum = 0;
    long number;
    if (text[0] != 'N' || text[1] < '0' || text[1] > '9') return text;
    number = strtol(text + 1, &rest, 10);
    while (*rest == ' ') rest++;
    if (number != last_number + 1 && !is(rest, "M110")) {
        request_resend(at, "Line Number is not Last Line Number+1", size);
        return NULL;
    }
    if (!star) {
        request_resend(at, "No Checksum with line number", size);
        return NULL;
    }
    for (char *c = text; c < star; c++) sum ^= (unsigned char)*c;
    if (sum != strtol(star + 1, NULL, 10)) {
        request_resend(at, "checksum mismatch", size);
        return NULL;
    }
    *star = 0;
    last_number = number;
    return rest;
}

static void marlin_line(double at, char *text, int size)
{
    char *n;
    if (!(text = accepted(at, text, size))) return;
    if (next_move && next_move < move_count && !is_move(text) && !is(text, "M105")) mark(at, text);
    if (is(text, "M110")) {
        if ((n = strchr(text, 'N'))) last_number = strtol(n + 1, NULL, 10);
        acknowledge(at, size, "ok\n");
    } else if (is(text, "M115")) {
        acknowledge(at, size, IDENTITY);
    } else if (is(text, "M105")) {
        say(at, "ok "), acknowledge(at, size, HEAT);
    } else if (is(text, "M114")) {
        acknowledge(at, size, WHERE);
    } else if (is(text, "M155")) {
        double every = 0;
        value(text, 'S', &every);
        auto_report_at = every > 0 ? at + every : 0;
        acknowledge(at, size, "ok\n");
    } else if (is(text, "M400") && planned) {
        acknowledge(planner[planned - 1], size, "ok\n");
    } else {
        if (is_move(text)) execute_move(at, text, size);
        acknowledge(at, size, "ok\n");
    }
}

/* --- GRBL -------------------------------------------------------------------------------- */

static const char BANNER[] = "\r\nGrbl 1.1h ['$' for help]\r\n";
static const char BUILD[] = "[VER:1.1h.20190830:]\r\n[OPT:V,15,128]\r\nok\r\n";
static const char MODES[] = "[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]\r\nok\r\n";
static const char OFFSETS[] =
    "[G54:0.000,0.000,0.000]\r\n[G55:0.000,0.000,0.000]\r\n[G56:0.000,0.000,0.000]\r\n"
    "[G57:0.000,0.000,0.000]\r\n[G58:0.000,0.000,0.000]\r\n[G59:0.000,0.000,0.000]\r\n"
    "[G28:0.000,0.000,0.000]\r\n[G30:0.000,0.000,0.000]\r\n[G92:0.000,0.000,0.000]\r\n"
    "[TLO:0.000]\r\n[PRB:0.000,0.000,0.000:0]\r\nok\r\n";
static const char SETTINGS[] =
    "$0=10\r\n$1=25\r\n$2=0\r\n$3=0\r\n$4=0\r\n$5=0\r\n$6=0\r\n$10=3\r\n$11=0.010\r\n$12=0.002\r\n"
    "$13=0\r\n$20=0\r\n$21=0\r\n$22=0\r\n$23=0\r\n$24=25.000\r\n$25=500.000\r\n$26=250\r\n$27=1.000\r\n"
    "$30=24000\r\n$31=0\r\n$32=0\r\n$100=80.000\r\n$101=80.000\r\n$102=80.000\r\n$110=12000.000\r\n"
    "$111=12000.000\r\n$112=3000.000\r\n$120=500.000\r\n$121=500.000\r\n$122=500.000\r\n"
    "$130=1000.000\r\n$131=1000.000\r\n$132=200.000\r\nok\r\n";

static void reset(double at)
{
    rx_len = line_len = planned = held = check_mode = 0;
    outstanding = 0;
    for (unsigned i = out_tail; i != out_head; i++) out[i % OUT_SIZE].frees = 0;
    say(at, BANNER);
}

static void status(double at)
{
    char text[128];
    if (block_s > 0) run_planner(at);
    const char *state = held ? "Hold:0" : check_mode ? "Check" : planned ? "Run" : "Idle";
    snprintf(text, sizeof text, "<%s|MPos:0.000,0.000,0.000|Bf:%d,%d|FS:0,0|WCO:0.000,0.000,0.000>\r\n",
             state, PLANNER_GRBL - planned, RX_SIZE - rx_len);
    status_asked++;
    say(at, text);
}

static int realtime(double at, unsigned char byte)
{
    switch (byte) {
    case '?': status(at); return 1;
    case '!': mark(at, "!"); held = 1; return 1;
    case '~': mark(at, "~"); held = 0; return 1;
    case 0x18: mark(at, "reset"); reset(at); return 1;
    default: return byte >= 0x80;
    }
}

static void grbl_line(double at, char *text, int size)
{
    const char *answer = "ok\r\n";
    if (!strcmp(text, "$I")) answer = BUILD;
    else if (!strcmp(text, "$$")) answer = SETTINGS;
    else if (!strcmp(text, "$G")) answer = MODES;
    else if (!strcmp(text, "$N")) answer = "$N0=\r\n$N1=\r\nok\r\n";
    else if (!strcmp(text, "$#")) answer = OFFSETS;
    else if (!strcmp(text, "$C")) {
        answer = check_mode ? "[MSG:Disabled]\r\nok\r\n" : "[MSG:Enabled]\r\nok\r\n";
        if (check_mode) { /* leaving the check run is a reset */
            acknowledge(at, size, answer);
            reset(at);
            return;
        }
        check_mode = 1;
    } else if (text[0] != '$') {
        if (strchr("GMTFSXYZIJRPN", text[0] ? text[0] : '?') == NULL && text[0]) {
            refused++;
            acknowledge(at, size, "error:1\r\n");
            return;
        }
        if (is_move(text)) execute_move(at, text, size);
    }
    acknowledge(at, size, answer);
}

/* --- bytes in ----------------------------------------------------------------------------- */

static void spoil(char *text)
{
    size_t length = strlen(text);
    if (!bad_ratio || !next_move || next_move >= move_count || !length || roll() >= bad_ratio) return;
    text[(size_t)(roll() * (double)length)] ^= 4; /* no printable character becomes a newline */
    damaged++;
}

static void understand(double at)
{
    int size = line_len + 1;
    char *text = line;
    line[line_len] = 0, line_len = 0;
    while (*text == ' ') text++;
    text[strcspn(text, "\r")] = 0;
    spoil(text);
    if (line_s > 0) at = busy_until = fmax(at, busy_until) + line_s;
    if (!*text && !is_grbl) {
        outstanding -= size; /* Marlin does not answer an empty line */
    } else if (is_grbl) {
        grbl_line(at, text, size);
    } else {
        marlin_line(at, text, size);
    }
}

/* What waits in the receive buffer is understood as far as the planner has room. */
static void work(double at)
{
    while (rx_len && !(is_grbl && held) && has_room(at)) {
        char byte = rx[0];
        memmove(rx, rx + 1, (size_t)--rx_len);
        if (byte == '\n') understand(at);
        else if (line_len < LINE_SIZE - 2) line[line_len++] = byte;
    }
}

static void arrive(double at, char byte)
{
    if (is_grbl && realtime(at, (unsigned char)byte)) return;
    outstanding++;
    if (rx_len >= RX_SIZE - (is_grbl ? 0 : 1)) {
        overflowed++;
        return;
    }
    rx[rx_len++] = byte;
    if (byte_s > 0 || byte == '\n') work(at);
}

static int dry = 1; /* nothing waits in the host's queue */

static void note_outstanding(void)
{
    int queued = 0;
    long unheard = outstanding;
    ioctl(master, FIONREAD, &queued);
    unheard += queued;
    if (unheard > most_outstanding) most_outstanding = unheard;
}

/* Take what the wire has carried by now. False: the other end is closed. */
static int take(double at)
{
    char data[4096];
    long due = sizeof data;
    ssize_t got;
    if (byte_s > 0) {
        if (dry) in_free = fmax(in_free, at); /* this byte starts now */
        due = (long)((at - in_free) / byte_s);
        dry = 0;
        if (due <= 0) return 1;
        if (due > (long)sizeof data) due = sizeof data;
    }
    got = read(master, data, (size_t)due);
    if (got < 0) {
        if (errno == EAGAIN) dry = 1;
        return errno == EAGAIN;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (byte_s > 0) in_free += byte_s;
        arrive(byte_s > 0 ? in_free : at, data[i]);
    }
    note_outstanding();
    if (byte_s > 0 && got < due) dry = 1;
    return 1;
}

static void leave(double at)
{
    char data[4096];
    size_t count = 0;
    while (out_tail != out_head && out[out_tail % OUT_SIZE].due <= at && count < sizeof data) {
        outstanding -= out[out_tail % OUT_SIZE].frees;
        data[count++] = out[out_tail++ % OUT_SIZE].byte;
    }
    for (size_t sent = 0; sent < count;) {
        ssize_t n = write(master, data + sent, count - sent);
        if (n <= 0) return;
        sent += (size_t)n;
    }
}

/* --- set-up and report -------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void load(const char *path)
{
    static char text[LINE_SIZE];
    FILE *file = fopen(path, "r");
    int room = 0;
    if (!file) perror(path), exit(2);
    while (fgets(text, sizeof text, file)) {
        int size = (int)strlen(text);
        text[strcspn(text, "\n")] = 0;
        if (!is_move(text)) continue;
        if (move_count == room) moves = realloc(moves, sizeof *moves * (size_t)(room = room * 2 + 1024));
        moves[move_count].x = moves[move_count].y = NAN;
        value(text, 'X', &moves[move_count].x), value(text, 'Y', &moves[move_count].y);
        moves[move_count].text = strdup(text);
        moves[move_count++].bytes = size;
    }
    fclose(file);
    gaps = calloc((size_t)move_count + 1, sizeof *gaps);
}

static void report(void)
{
    int count = next_move > 1 ? next_move - 1 : 0;
    qsort(gaps, (size_t)count, sizeof *gaps, by_size);
    printf("{\"moves\": %d, \"executed\": %d, \"exact\": %d, \"wrong\": %d, \"span_s\": %.9f, ", move_count,
           next_move, exact_lines, wrong_moves, next_move > 1 ? last_at - first_at : 0.0);
    printf("\"program_bytes\": %lld, \"wire_bytes\": %lld, ", program_bytes, wire_bytes);
    printf("\"gap_p99_ms\": %.3f, \"gap_max_ms\": %.3f, ", count ? gaps[(int)(count * 0.99)] * 1e3 : 0.0,
           count ? gaps[count - 1] * 1e3 : 0.0);
    printf("\"outstanding\": %ld, \"overflowed\": %ld, \"starved\": %ld, ", most_outstanding, overflowed,
           starved);
    printf("\"damaged\": %ld, \"resends\": %ld, \"refused\": %ld, \"checked\": %ld, \"status\": %ld, ",
           damaged, resends, refused, checked, status_asked);
    printf("\"marks\": [");
    for (int i = 0; i < mark_count; i++)
        printf("%s[\"%s\", %.6f]", i ? ", " : "", marks[i].what, marks[i].at);
    puts("]}");
}

static void stop(int signal_number) { (void)signal_number, stopping = 1; }

static void open_port(const char *link_path)
{
    struct termios raw;
    int port;
    master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master < 0 || grantpt(master) || unlockpt(master)) perror("pty"), exit(2);
    port = open(ptsname(master), O_RDWR | O_NOCTTY);
    tcgetattr(port, &raw), cfmakeraw(&raw), tcsetattr(port, TCSANOW, &raw);
    close(port);
    unlink(link_path);
    if (symlink(ptsname(master), link_path)) perror(link_path), exit(2);
    printf("at %s\n", link_path), fflush(stdout);
}

static void settings(int argc, char **argv, const char **link_path)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *key = argv[i], *text = argv[i + 1];
        if (!strcmp(key, "--kind")) is_grbl = !strcmp(text, "grbl");
        else if (!strcmp(key, "--link")) *link_path = text;
        else if (!strcmp(key, "--program")) load(text);
        else if (!strcmp(key, "--baud")) byte_s = atof(text) > 0 ? 10.0 / atof(text) : 0;
        else if (!strcmp(key, "--latency-us")) latency_s = atof(text) * 1e-6;
        else if (!strcmp(key, "--bad")) bad_ratio = atof(text);
        else if (!strcmp(key, "--seed")) dice = strtoull(text, NULL, 10) * 2654435761u + 1;
        else if (!strcmp(key, "--line-us")) line_s = atof(text) * 1e-6;
        else if (!strcmp(key, "--block-us")) block_s = atof(text) * 1e-6;
        else fprintf(stderr, "firmware: what is %s?\n", key), exit(2);
    }
}

/* Until when nothing can happen but a byte from the host; negative: until it comes. */
static long wait_ns(double at)
{
    double until = INFINITY;
    if (out_tail != out_head) until = out[out_tail % OUT_SIZE].due;
    if (byte_s > 0 && !dry) until = fmin(until, at + TICK_NS * 1e-9);
    if (rx_len && !held && (block_s > 0 || line_s > 0)) until = fmin(until, room_at());
    if (auto_report_at > 0) until = fmin(until, auto_report_at);
    if (until == INFINITY) return -1;
    return until <= at ? 0 : (long)((until - at) * 1e9);
}

int main(int argc, char **argv)
{
    const char *link_path = "port";
    int is_open = 0;
    struct sigaction on_term = {.sa_handler = stop};
    sigset_t none;
    struct sched_param first = {.sched_priority = 1};
    prctl(PR_SET_TIMERSLACK, 1UL);
    sched_setscheduler(0, SCHED_FIFO, &first); /* a machine waits for nobody; needs root, else not */
    settings(argc, argv, &link_path);
    sigaction(SIGTERM, &on_term, NULL);
    sigemptyset(&none);
    open_port(link_path);
    while (!stopping) {
        double at = now_s();
        long ns = wait_ns(at);
        struct pollfd ready = {master, (short)(byte_s > 0 && !dry ? 0 : POLLIN), 0};
        struct timespec wait = {ns / 1000000000, ns % 1000000000};
        ppoll(&ready, 1, ns < 0 ? NULL : &wait, &none);
        at = now_s();
        if (ready.revents & POLLHUP) { /* nobody has the port open */
            is_open = 0, dry = 1, out_tail = out_head, outstanding = 0;
            usleep(1000);
            continue;
        }
        if (!is_open && is_grbl) reset(at); /* opening the port resets an Arduino */
        is_open = 1;
        if (ready.revents & POLLIN || !dry) take(at);
        if (block_s > 0) run_planner(at);
        work(at);
        if (auto_report_at > 0 && at >= auto_report_at) say(at, HEAT), auto_report_at = at + 2;
        leave(now_s());
    }
    unlink(link_path);
    report();
    return 0;
}
