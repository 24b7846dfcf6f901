/*
 * http.h - requests to a server, several at a time. The one module that knows libcurl.
 *
 *     struct http *h = http_open(&o, &why);
 *     http_send(h, 7, "http://127.0.0.1:8000/v1/completions", &body);
 *     while (http_next(h, 1, &a)) ... a.id, a.status, a.body ...
 *     http_close(h);
 *
 * Proxies are those of http_proxy, https_proxy, all_proxy and no_proxy; certificates those of the
 * system or of CURL_CA_BUNDLE, SSL_CERT_FILE and SSL_CERT_DIR. Redirections are not followed: the
 * key is shown to nobody but the server that was named. A kept connection that the server closed
 * before it answered one byte is no failure: the request is sent again on a new one.
 */
#ifndef ASK_HTTP_H
#define ASK_HTTP_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct http_opts {
	size_t calls;    /* most requests at a time */
	double timeout;  /* seconds from sending a request to its answer's last byte */
	const char *key; /* sent as a bearer token; NULL: none */
	size_t most;     /* bytes of an answer, unpacked */
};

enum http_end {
	HTTP_ANSWERED,
	HTTP_LOST,    /* no connection, or it was lost */
	HTTP_SLOW,    /* not answered in time */
	HTTP_LONG,    /* more bytes than are taken */
	HTTP_NO_HOST, /* no such name */
	HTTP_NEVER,   /* the URL, the certificate: asking again will not help */
};

struct http_answer { /* valid until the next call of http_next or http_close */
	uint64_t id;
	enum http_end end;
	const char *why;  /* of any end but HTTP_ANSWERED */
	int status;       /* of HTTP_ANSWERED, here and below */
	double wait;      /* seconds that Retry-After asks for; 0: it is not there */
	const char *type; /* Content-Type, "" when there is none */
	struct span body;
};

struct http; /* opaque: connections */
/* o->key is copied. ST_SYSTEM when there is no libcurl to work with. */
struct http *http_open(const struct http_opts *o, struct reason *why);
/* POST of the JSON body, or GET where it is NULL; both are copied. At most `calls` may be under
 * way. */
void http_send(struct http *h, uint64_t id, const char *url, const struct buf *body);
/* Waits so long at most (a signal ends it too) for a request that has come to its end. */
bool http_next(struct http *h, double seconds, struct http_answer *a);
void http_close(struct http *h); /* what is under way is given up; NULL is fine */

#endif
