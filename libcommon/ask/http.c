/* http.c - requests to a server, by libcurl's multi interface. See http.h. */
#include "ask/http.h"
#include "base/mem.h"
#include "base/tool.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

struct call {
	CURL *easy; /* NULL until it is first needed */
	struct http *of;
	uint64_t id;
	bool busy;
	struct buf sent, got;
	char why[CURL_ERROR_SIZE];
};

struct http {
	struct http_opts o;
	CURLM *multi;
	struct curl_slist *headers, *plain; /* of a POST, of a GET */
	struct call *call;                  /* o.calls of them */
	struct call *last;                  /* whose answer was handed out; not yet free again */
};

/* Memory that is not there ends the process with a message, in libcurl as everywhere. */
static void *curl_calloc(size_t n, size_t size)
{
	return xcalloc(n ? n : 1, size ? size : 1);
}

static void *curl_malloc(size_t n)
{
	return xmalloc(n ? n : 1);
}

static void *curl_realloc(void *p, size_t n)
{
	return xrealloc(p, n ? n : 1);
}

static size_t take_bytes(char *p, size_t size, size_t n, void *arg)
{
	struct call *c = arg;

	if (size * n > c->of->o.most - c->got.n)
		return 0;
	buf_add(&c->got, p, size * n);
	return size * n;
}

static void append_header(struct curl_slist **list, const char *text)
{
	struct curl_slist *more = curl_slist_append(*list, text);

	if (!more)
		no_memory(strlen(text));
	*list = more;
}

/* Expect: 100-continue would cost a round for each large prompt. */
static void make_headers(struct http *h, const char *key)
{
	char *bearer = key ? xasprintf("Authorization: Bearer %s", key) : NULL;

	append_header(&h->headers, "Content-Type: application/json");
	append_header(&h->headers, "Expect:");
	append_header(&h->plain, "Accept: application/json");
	if (bearer) {
		append_header(&h->headers, bearer);
		append_header(&h->plain, bearer);
	}
	free(bearer);
}

struct http *http_open(const struct http_opts *o, struct reason *why)
{
	struct http *h;

	assert(o->calls && o->most);
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, free, curl_realloc, xstrdup,
				 curl_calloc)) {
		fail(why, ST_SYSTEM, "libcurl: it cannot be used");
		return NULL;
	}
	h = xcalloc(1, sizeof *h);
	h->o = *o;
	h->o.key = NULL;
	h->multi = curl_multi_init();
	if (!h->multi)
		no_memory(sizeof *h);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)o->calls);
	make_headers(h, o->key);
	h->call = xcalloc(o->calls, sizeof *h->call);
	return h;
}

/* Where curl(1), too, looks for certificates; libcurl alone looks at none of these. */
static void set_certificates(CURL *e)
{
	static const struct {
		const char *name;
		CURLoption option;
	} places[] = {{"SSL_CERT_DIR", CURLOPT_CAPATH},
		      {"SSL_CERT_FILE", CURLOPT_CAINFO},
		      {"CURL_CA_BUNDLE", CURLOPT_CAINFO}};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const char *path = getenv(places[i].name);

		if (path && *path)
			curl_easy_setopt(e, places[i].option, path);
	}
}

static void set_up(struct call *c)
{
	CURL *e = c->easy = curl_easy_init();

	if (!e)
		no_memory(sizeof *c);
	curl_easy_setopt(e, CURLOPT_PRIVATE, c);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->why);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(e, CURLOPT_USERAGENT, "rloop/" SUITE_VERSION);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, 30L);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(c->of->o.timeout * 1000));
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	set_certificates(e);
}

static struct call *free_call(struct http *h)
{
	for (size_t i = 0; i < h->o.calls; i++)
		if (!h->call[i].busy)
			return &h->call[i];
	return NULL;
}

void http_send(struct http *h, uint64_t id, const char *url, const struct buf *body)
{
	struct call *c = free_call(h);

	assert(c);
	c->of = h;
	if (!c->easy)
		set_up(c);
	c->id = id;
	c->busy = true;
	*c->why = '\0';
	buf_reset(&c->got);
	buf_reset(&c->sent);
	curl_easy_setopt(c->easy, CURLOPT_URL, url);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, body ? h->headers : h->plain);
	if (body) {
		buf_add(&c->sent, body->p, body->n);
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, buf_cstr(&c->sent));
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->sent.n);
	} else {
		curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
	}
	curl_multi_add_handle(h->multi, c->easy);
}

static enum http_end end_of(CURLcode code, const struct call *c)
{
	curl_off_t sent = 0;

	switch (code) {
	case CURLE_OK:
		return HTTP_ANSWERED;
	case CURLE_OPERATION_TIMEDOUT:
		curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
		return sent ? HTTP_SLOW : HTTP_LOST;
	case CURLE_WRITE_ERROR:
		return HTTP_LONG;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_NO_HOST;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
		return HTTP_NEVER;
	default:
		return HTTP_LOST;
	}
}

static void tell(struct call *c, CURLcode code, struct http_answer *a)
{
	curl_off_t wait = 0;
	long status = 0;
	char *type = NULL;

	*a = (struct http_answer){.id = c->id, .end = end_of(code, c), .type = ""};
	if (a->end != HTTP_ANSWERED) {
		a->why = *c->why ? c->why : curl_easy_strerror(code);
		if (a->end == HTTP_LONG)
			a->why = "the answer is longer than is taken";
		return;
	}
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &wait);
	curl_easy_getinfo(c->easy, CURLINFO_CONTENT_TYPE, &type);
	a->status = (int)status;
	a->wait = wait > 0 ? (double)wait : 0;
	a->type = type ? type : "";
	a->body = (struct span){c->got.n ? c->got.p : "", c->got.n};
}

static bool next_message(struct http *h, struct http_answer *a)
{
	int left;
	CURLMsg *m;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct call *c = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
		curl_multi_remove_handle(h->multi, c->easy);
		tell(c, code, a);
		h->last = c;
		return true;
	}
	return false;
}

bool http_next(struct http *h, double seconds, struct http_answer *a)
{
	int running;

	if (h->last)
		h->last->busy = false;
	h->last = NULL;
	curl_multi_perform(h->multi, &running);
	if (next_message(h, a))
		return true;
	if (seconds <= 0)
		return false;
	curl_multi_poll(h->multi, NULL, 0, (int)(seconds * 1000) + 1, NULL);
	curl_multi_perform(h->multi, &running);
	return next_message(h, a);
}

void http_close(struct http *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->o.calls; i++) {
		struct call *c = &h->call[i];

		if (c->busy && c != h->last)
			curl_multi_remove_handle(h->multi, c->easy);
		if (c->easy)
			curl_easy_cleanup(c->easy);
		buf_free(&c->sent);
		buf_free(&c->got);
	}
	curl_multi_cleanup(h->multi);
	curl_slist_free_all(h->headers);
	curl_slist_free_all(h->plain);
	free(h->call);
	free(h);
	curl_global_cleanup();
}
