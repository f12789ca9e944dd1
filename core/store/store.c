/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing the store: the driver, the threads, requests to them. Everything here
 * runs on the logic thread; what threads read is written before they start.
 */
#include "core/store/parts.h"
#include "core/store/thread.h"
#include <dlfcn.h>
#include <signal.h>
#include <xylem/option.h>

enum { MOST_READERS = 16 };

static struct {
    void *library;
    const struct xyi_driver *driver; /* NULL: closed */
    struct xyi_driver_options options;
    struct xyi_queue to_writer, to_readers;
    struct xyi_store_thread writer, readers[MOST_READERS];
    unsigned readers_count;
} store;
struct xyi_store_counts xyi_store_counters;

bool
xyi_store_is_open(void)
{
    return store.driver != NULL;
}

const char *
xyi_store_driver(void)
{
    return store.driver ? store.driver->name : "none";
}

int64_t
xyi_store_timeout_ms(void)
{
    return store.options.timeout_ms;
}

void
xyi_store_counts(struct xyi_store_counts *counts)
{
    *counts = xyi_store_counters;
    counts->queue =
        store.driver ? xyi_queue_length(&store.to_writer) + xyi_queue_length(&store.to_readers)
                     : 0;
}

struct xyi_queue *
xyi_store_queue(bool of_writer)
{
    return of_writer ? &store.to_writer : &store.to_readers;
}

void
xyi_store_submit(struct xyi_request *request, bool to_writer)
{
    request->submitted_us = xyi_clock_real_us();
    if (!request->deadline_us)
        request->deadline_us = request->submitted_us + store.options.timeout_ms * 1000;
    if (store.driver) {
        xyi_queue_push(xyi_store_queue(to_writer), request);
        return;
    }
    request->status = XY_BROKEN;
    xyi_inbox_post(&xyi_logic_inbox, &request->mail);
}

/* ---- the driver and the threads ---------------------------------------------------------- */

static xy_status
load_driver(const struct xyi_store_config *config, struct xy_str *error)
{
    struct xy_str path = xy_temp_printf(XY_FMT "/" XY_FMT ".so", XY_ARG(config->driver_path),
                                        XY_ARG(config->driver));
    if (!config->driver.len || memchr(config->driver.at, '/', config->driver.len)) {
        *error = xy_temp_printf("no storage driver is called \"" XY_FMT "\"",
                                XY_ARG(config->driver));
        return XY_INVALID;
    }
    /* The client libraries leave handlers behind that must find their code: never unmapped. */
    store.library = dlopen(path.at, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const struct xyi_driver *driver = store.library ? dlsym(store.library, "xyi_driver") : NULL;
    if (driver && driver->abi == XYI_DRIVER_ABI) {
        store.driver = driver;
        return XY_OK;
    }
    *error = driver ? xy_temp_printf(XY_FMT ": made for another version of xylem", XY_ARG(path))
                    : xy_temp_printf("%s", dlerror());
    if (store.library)
        dlclose(store.library);
    return XY_BROKEN;
}

static void
start_thread(struct xyi_store_thread *thread, struct xyi_queue *queue, bool writer)
{
    *thread = (struct xyi_store_thread){
        .queue = queue, .driver = store.driver, .options = store.options};
    thread->options.writer = writer;
    sigset_t all, former; /* signals are the logic thread's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    int failed = pthread_create(&thread->thread, NULL,
                                writer ? xyi_writer_main : xyi_reader_main, thread);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    xy_assert(!failed);
    pthread_setname_np(thread->thread, writer ? "store writer" : "store reader");
}

static void
start_threads(const struct xyi_store_config *config)
{
    store.options = (struct xyi_driver_options){
        .place = xyi_str_copy(config->url.len ? config->url : config->path).at,
        .durable = config->durable,
        .timeout_ms = config->timeout_ms,
        .node = config->node,
    };
    xyi_queue_init(&store.to_writer);
    xyi_queue_init(&store.to_readers);
    start_thread(&store.writer, &store.to_writer, true);
    store.readers_count = config->readers ? config->readers : 1;
    if (store.readers_count > MOST_READERS)
        store.readers_count = MOST_READERS;
    for (unsigned i = 0; i < store.readers_count; i++)
        start_thread(&store.readers[i], &store.to_readers, false);
}

static xy_status
be_connected(struct xyi_store_thread *thread, void *argument, struct xyi_fault *fault)
{
    (void)thread;
    (void)argument;
    (void)fault;
    return XY_OK;
}

static xy_status
prepare_parts(unsigned node, struct xy_str *error)
{
    xy_status status = xyi_schema_apply(error);
    if (status == XY_OK)
        status = xyi_message_ids_start(node);
    if (status == XY_OK)
        status = xyi_messages_start();
    if (status == XY_OK)
        status = xyi_stanza_ids_start();
    if (status == XY_OK)
        status = xyi_accounts_start();
    if (status == XY_OK)
        status = xyi_stanza_ids_start();
    if (status == XY_OK)
        status = xyi_staging_start();
    if (status == XY_OK)
        status = xyi_erasures_finish();
    if (status != XY_OK && !error->len)
        *error = xy_temp_printf("the database does not answer (%s)", xy_status_name(status));
    return status;
}

xy_status
xyi_store_open(const struct xyi_store_config *config, struct xy_str *error)
{
    xy_assert(!store.driver && config->timeout_ms > 0);
    *error = XY_NO_STR;
    xy_status status = load_driver(config, error);
    if (status != XY_OK)
        return status;
    xyi_store_counters = (struct xyi_store_counts){0};
    start_threads(config);
    struct xyi_fault fault = {.at = XYI_NOBODY};
    status = xyi_store_call(true, 0, be_connected, NULL, &fault);
    if (status == XY_OK)
        status = prepare_parts(config->node, error);
    else
        *error = xy_temp_printf("%s", fault.text);
    if (status != XY_OK)
        xyi_store_close();
    return status;
}

void
xyi_store_close(void)
{
    if (!store.driver)
        return;
    xyi_message_ids_stop();
    xyi_queue_close(&store.to_writer);
    xyi_queue_close(&store.to_readers);
    pthread_join(store.writer.thread, NULL);
    for (unsigned i = 0; i < store.readers_count; i++)
        pthread_join(store.readers[i].thread, NULL);
    store.driver = NULL; /* whoever wakes and asks again is refused */
    xyi_inbox_open_all(&xyi_logic_inbox);
    xyi_queue_end(&store.to_writer);
    xyi_queue_end(&store.to_readers);
    xyi_jid_ids_stop();
    xyi_free(store.options.place);
    dlclose(store.library);
}

/* ---- functions on a storage thread ------------------------------------------------------- */

struct call {
    struct xyi_request request;
    xyi_store_fn *fn;
    void *argument;
    struct xyi_wait wait;
};

static xy_status
run_call(struct xyi_request *request, struct xyi_store_thread *thread, struct xyi_fault *fault)
{
    struct call *call = (struct call *)(void *)request;
    return call->fn(thread, call->argument, fault);
}

static void
call_answered(struct xyi_mail *mail)
{
    struct call *call = (struct call *)(void *)mail;
    xyi_wake(&call->wait, call->request.status);
}

xy_status
xyi_store_call(bool on_writer, int64_t wait_ms, xyi_store_fn *fn, void *argument,
               struct xyi_fault *fault)
{
    struct call call = {.fn = fn, .argument = argument, .request.fault = fault};
    call.request.mail.open = call_answered;
    call.request.run = run_call;
    call.request.deadline_us = xyi_clock_real_us() + wait_ms * 1000;
    xyi_store_submit(&call.request, on_writer);
    return xyi_wait(&call.wait, XY_NONE, XYI_UNCANCELLABLE);
}
