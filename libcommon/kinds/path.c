/*
 * path.c - a route through a directed graph that visits no node twice.
 *
 * Nodes are letters, an edge is two of them: prompt "ab ad bc cd dc:a>c=", solution "abc" or "adc".
 * No problem has an edge from its start to its end. Parameters: numbers are nodes, value is the
 * number of edges. meta is {"edges": "ab ad ..."}, the answer "ac" is start and end.
 */
#include "stream/pack.h"
#include "kinds/gen.h"
#include "answer/text.h"

enum { NODES = 26 };

struct graph {
	bool edge[NODES][NODES];
};

static void draw_edges(struct gen_draw *d, struct graph *g, int nodes, int edges)
{
	for (int i = 0; i < edges;) {
		int64_t a = gen_below(d, nodes), b = gen_below(d, nodes);

		if (a != b && !g->edge[a][b]) {
			g->edge[a][b] = true;
			i++;
		}
	}
}

/* A random walk from a random node that never comes back: its nodes as letters; their number. */
static int walk(struct gen_draw *d, const struct graph *g, int nodes, char *route)
{
	bool been[NODES] = {false};
	int at = (int)gen_below(d, nodes), n = 0;
	int64_t longest = gen_range(d, 3, nodes);

	for (;;) {
		int next[NODES], n_next = 0;

		been[at] = true;
		route[n++] = (char)('a' + at);
		for (int j = 0; j < nodes; j++)
			if (g->edge[at][j] && !been[j])
				next[n_next++] = j;
		if (!n_next || n >= longest)
			return n;
		at = next[gen_below(d, n_next)];
	}
}

static void put_edges(struct buf *b, const struct graph *g, const char *between, const char *sep)
{
	const char *s = "";

	for (int i = 0; i < NODES; i++)
		for (int j = 0; j < NODES; j++)
			if (g->edge[i][j]) {
				buf_str(b, s);
				buf_char(b, (char)('a' + i));
				buf_str(b, between);
				buf_char(b, (char)('a' + j));
				s = sep;
			}
}

static void put_meta(struct buf *meta, const struct graph *g)
{
	msgpack_packer pk;
	struct buf edges = {0};

	put_edges(&edges, g, "", " ");
	pack_init(&pk, meta);
	msgpack_pack_map(&pk, 1);
	pack_str(&pk, "edges");
	pack_text(&pk, (struct span){edges.p, edges.n});
	buf_free(&edges);
}

static void put_key(struct buf *key, const struct graph *g, const char ends[2])
{
	put_edges(key, g, "", ",");
	buf_printf(key, ":%c%c", ends[0], ends[1]);
}

/* All of p but a solution */
static void put_problem(struct problem *p, const struct graph *g, const char ends[2], bool words)
{
	put_key(&p->key, g, ends);
	buf_add(&p->answer, ends, 2);
	put_meta(&p->meta, g);
	if (words) {
		buf_str(&p->prompt, "A directed graph has the edges ");
		put_edges(&p->prompt, g, "->", ", ");
		buf_printf(&p->prompt,
			   ". Write a route from %c to %c that visits no node twice, as its nodes "
			   "in order without anything between them.%s",
			   ends[0], ends[1], gen_ask);
	} else {
		put_edges(&p->prompt, g, "", " ");
		buf_printf(&p->prompt, ":%c>%c=", ends[0], ends[1]);
	}
}

static bool draw_path(struct problem *p, struct gen_draw *d, const struct gen_part *part,
		      bool words)
{
	struct graph g = {0};
	char route[NODES], ends[2];
	int nodes = (int)gen_range(d, part->min_numbers, part->max_numbers), n;

	if (nodes < 3 || nodes > NODES || part->max_value > nodes * (nodes - 1))
		return false;
	draw_edges(d, &g, nodes, part->max_value);
	n = walk(d, &g, nodes, route);
	ends[0] = route[0];
	ends[1] = route[n - 1];
	if (n < 3 || g.edge[ends[0] - 'a'][ends[1] - 'a'])
		return false;
	buf_add(&p->solution, route, (size_t)n);
	put_problem(p, &g, ends, words);
	return true;
}

static bool letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* "ab ad ..." of meta.edges; the separator of keys is another */
static bool read_edges(struct span s, char sep, struct graph *g)
{
	*g = (struct graph){0};
	for (size_t i = 0; i < s.n; i += 3) {
		if (s.n - i < 2 || !letter(s.p[i]) || !letter(s.p[i + 1]) ||
		    (s.n - i > 2 && s.p[i + 2] != sep))
			return false;
		g->edge[s.p[i] - 'a'][s.p[i + 1] - 'a'] = true;
	}
	return s.n > 0;
}

/* The item's graph */
static bool read_graph(const struct verify_item *it, struct graph *g)
{
	struct span edges;

	return mp_bytes(mp_get(it->meta, "edges"), &edges) && read_edges(edges, ' ', g);
}

/* Does s go along edges, and to no node twice? */
static bool is_route(const struct graph *g, struct span s)
{
	bool been[NODES] = {false};

	for (size_t i = 0; i < s.n; i++) {
		if (!letter(s.p[i]) || been[s.p[i] - 'a'])
			return false;
		been[s.p[i] - 'a'] = true;
		if (i && !g->edge[s.p[i - 1] - 'a'][s.p[i] - 'a'])
			return false;
	}
	return s.n >= 2;
}

static bool is_ends(struct span s)
{
	return s.n == 2 && letter(s.p[0]) && letter(s.p[1]);
}

static int judge_path(const struct verify_item *it, struct verdict *out, struct reason *why)
{
	struct span s = text_final(it->response);
	struct graph g;
	int st = judge_item_answer(it, why);

	if (st)
		return st;
	if (!read_graph(it, &g))
		return fail(why, ST_INPUT, "task %.*s: path: meta.edges is not as \"ab ac bd\"",
			    TEXT_ARG(it->task));
	if (!is_ends(it->answer))
		return fail(why, ST_INPUT, "task %.*s: path: the answer is not two letters",
			    TEXT_ARG(it->task));
	text_extract(out, s);
	out->reward =
		is_route(&g, s) && s.p[0] == it->answer.p[0] && s.p[s.n - 1] == it->answer.p[1];
	return 0;
}

static bool key_path(const struct verify_item *it, struct buf *key)
{
	struct graph g;

	if (!is_ends(it->answer) || !read_graph(it, &g))
		return false;
	put_key(key, &g, it->answer.p);
	return true;
}

/* False unless put_key would write these bytes. */
static bool path_of(struct problem *p, struct span key, bool words)
{
	struct graph g;
	struct span edges = {key.p, key.n < 3 ? 0 : key.n - 3};
	struct span ends = {key.p + edges.n + 1, 2};

	if (key.n < 5 || key.p[edges.n] != ':' || !is_ends(ends) || !read_edges(edges, ',', &g))
		return false;
	put_problem(p, &g, ends.p, words);
	return span_eq((struct span){p->key.p, p->key.n}, key);
}

/* From its first node to its last, which no edge joins, as in the problems that are drawn */
static bool solves_path(const struct verify_item *it, struct buf *key)
{
	struct span s = text_final(it->response);
	char ends[2];
	struct graph g;

	if (!read_graph(it, &g) || !is_route(&g, s))
		return false;
	ends[0] = s.p[0];
	ends[1] = s.p[s.n - 1];
	if (g.edge[ends[0] - 'a'][ends[1] - 'a'])
		return false;
	put_key(key, &g, ends);
	return true;
}

const struct kind kind_path = {
	.name = "path",
	.purpose = "a route through a directed graph from one node to another",
	.part =
		{
			[SPLIT_TRAIN] = {{100, 5, 6, 9, 0, 0, 0}},
			[SPLIT_VALID] = {{100, 5, 6, 9, 0, 0, 0}},
			[SPLIT_TEST] = {{100, 5, 6, 9, 0, 0, 0}},
			[SPLIT_OOD] = {{100, 8, 8, 13, 0, 0, 0}},
			[SPLIT_PRETRAIN] = {{30, 4, 4, 6, 0, 0, 0},
					    {50, 5, 6, 9, 0, 0, 0},
					    {20, 8, 8, 13, 0, 0, 0}},
		},
	.draw = draw_path,
	.judge = judge_path,
	.key = key_path,
	.problem = path_of,
	.solves = solves_path,
};
