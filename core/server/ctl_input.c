/* SPDX-License-Identifier: MIT */
/*
 * What a command reads: a password, asked for twice without echo or taken from standard input,
 * or the file it names.
 */
#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "core/server/ctl.h"

#define INPUT_BYTES (48u << 20) /* below what a request may have, escaped */

static xy_status
read_all(int fd, struct xy_str name, struct xy_buffer *into, struct xy_str *error)
{
    char bytes[16384];
    ssize_t got;
    while ((got = read(fd, bytes, sizeof(bytes))) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            *error = xy_temp_printf(XY_FMT ": %s", XY_ARG(name), strerror(errno));
            return XY_BROKEN;
        }
        xy_buffer_add(into, xy_str_of(bytes, (size_t)got));
        if (into->len > INPUT_BYTES) {
            *error = xy_temp_printf(XY_FMT " is larger than %u MiB: split it", XY_ARG(name),
                                    INPUT_BYTES >> 20);
            return XY_FULL;
        }
    }
    return XY_OK;
}

static xy_status
read_file(struct xy_str path, struct xy_buffer *into, struct xy_str *error)
{
    if (xy_str_is(path, "-"))
        return read_all(STDIN_FILENO, XY_STR("standard input"), into, error);
    int fd = open(xy_temp_cstr(path), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        *error = xy_temp_printf(XY_FMT ": %s", XY_ARG(path), strerror(errno));
        return errno == ENOENT ? XY_ABSENT : XY_BROKEN;
    }
    xy_status status = read_all(fd, path, into, error);
    close(fd);
    return status;
}

/* A line without its end. */
static bool
read_line(int fd, struct xy_buffer *into)
{
    char byte;
    while (read(fd, &byte, 1) == 1 && byte != '\n')
        xy_buffer_add(into, xy_str_of(&byte, 1));
    if (into->len && into->text[into->len - 1] == '\r')
        into->len--;
    return into->len > 0;
}

static bool
ask(int terminal, const char *question, struct xy_buffer *answer)
{
    struct termios normal, silent;
    bool hidden = tcgetattr(terminal, &normal) == 0;
    if (hidden) {
        silent = normal;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(terminal, TCSAFLUSH, &silent);
    }
    dprintf(terminal, "%s", question);
    bool given = read_line(terminal, answer);
    if (hidden)
        tcsetattr(terminal, TCSAFLUSH, &normal);
    dprintf(terminal, "\n");
    return given;
}

static xy_status
ask_password(struct xy_buffer *into, struct xy_str *error)
{
    struct xy_buffer again = {0};
    int terminal = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC) : -1;
    if (terminal < 0) {
        *error = XY_STR("no terminal to ask for the password: use --password-stdin");
        return XY_INVALID;
    }
    bool given = ask(terminal, "Password: ", into) && ask(terminal, "Again: ", &again);
    close(terminal);
    if (given && xy_str_equal(xy_buffer_str(into), xy_buffer_str(&again)))
        return XY_OK;
    *error = given ? XY_STR("the two passwords differ") : XY_STR("no password given");
    return XY_INVALID;
}

static xy_status
read_input(const struct xy_command *command, struct xy_buffer *into, struct xy_str *error)
{
    const char *arguments = command->row->arguments;
    bool password = arguments && strstr(arguments, "--password-stdin");
    if (password && !xy_flag(command, "password-stdin"))
        return ask_password(into, error);
    if (password) {
        (void)read_line(STDIN_FILENO, into);
        return XY_OK;
    }
    /* a command that takes its text either way reads only when told to */
    if (arguments && strstr(arguments, "--input") && !xy_flag(command, "input"))
        return XY_OK;
    if (xy_arg(command, "FILE").at)
        return read_file(xy_arg(command, "FILE"), into, error);
    return read_all(STDIN_FILENO, XY_STR("standard input"), into, error);
}

static size_t
count_words(const char *name)
{
    size_t words = 1;
    for (; *name; name++)
        words += *name == ' ';
    return words;
}

xy_status
xyi_ctl_input(const struct xyi_ctl *ctl, const struct xy_command_row *row, json_t **input,
              struct xy_str *error)
{
    struct xy_command command = {.row = row, .words = xy_str_from(row->name)};
    struct xy_buffer text = {0};
    *input = NULL;
    if (!row->input)
        return XY_OK;
    xy_status status = xyi_arguments_parse(&command, ctl->words, count_words(row->name), NULL);
    *error = command.error;
    if (status == XY_OK)
        status = read_input(&command, &text, error);
    if (status != XY_OK)
        return status;
    *input = json_stringn(text.text ? text.text : "", text.len);
    if (*input)
        return XY_OK;
    *error = XY_STR("what was read is not UTF-8");
    return XY_INVALID;
}
