/* tag_index.c -- see tag_index.h. */
#include "tag_index.h"

#define BUDGET 2000000

/* One of the sets that have a tag: the newest first. */
struct posting {
    const struct tags *set;
    struct posting *next;
};
struct postings {
    struct posting *first;
    size_t n;
};

void tag_index_init(struct tag_index *x, struct arena *arena)
{
    *x = (struct tag_index){.arena = arena, .budget = BUDGET};
    map_init(&x->sets);
    map_init(&x->by_tag);
}

void tag_index_fini(struct tag_index *x)
{
    map_fini(&x->sets);
    map_fini(&x->by_tag);
}

static struct str tag_key(struct arena *a, struct str key, struct str value)
{
    return arena_printf(a, STR_FMT "%c" STR_FMT, STR_ARG(key), 0, STR_ARG(value));
}

static struct str content(struct arena *a, const struct tags *tags)
{
    struct str text = STR("");

    for (size_t i = 0; i < tags->n; i++)
        text = arena_printf(a, STR_FMT "%c" STR_FMT "%c" STR_FMT, STR_ARG(text), 0, STR_ARG(tags->v[i].key),
                            0, STR_ARG(tags->v[i].value));
    return text;
}

static void push(struct arena *a, struct posting **list, const struct tags *set)
{
    struct posting *p = ARENA_NEW(a, struct posting);

    *p = (struct posting){set, *list};
    *list = p;
}

static void post(struct tag_index *x, struct str key, const struct tags *set)
{
    struct postings *list = map_find(&x->by_tag, key);

    if (!list) {
        list = ARENA_NEW(x->arena, struct postings);
        map_put(&x->by_tag, key, list);
    }
    push(x->arena, &list->first, set);
    list->n++;
}

void tag_index_add(struct tag_index *x, const struct tags *tags)
{
    struct str key = content(x->arena, tags);
    struct tags *set;

    if (map_find(&x->sets, key))
        return;
    set = ARENA_NEW(x->arena, struct tags);
    *set = *tags;
    map_put(&x->sets, key, set);
    push(x->arena, &x->all, set);
    for (size_t i = 0; i < set->n; i++) {
        post(x, tag_key(x->arena, set->v[i].key, set->v[i].value), set);
        post(x, set->v[i].key, set);
    }
}

bool tag_index_is_empty(const struct tag_index *x)
{
    return x->all == NULL;
}

/* The shortest list that holds every set which the selector matches. */
static struct posting *candidates(const struct tag_index *x, const struct tags *selector)
{
    struct posting *best = x->all;
    size_t n = SIZE_MAX;

    for (size_t i = 0; i < selector->n; i++) {
        const struct tag *t = &selector->v[i];
        bool any = str_eq(t->value, STR("*"));
        const struct postings *list =
            map_find(&x->by_tag, any ? t->key : tag_key(x->arena, t->key, t->value));

        if (!list)
            return NULL;
        if (list->n < n) {
            n = list->n;
            best = list->first;
        }
    }
    return best;
}

bool tag_index_matches(struct tag_index *x, const struct tags *selector)
{
    for (const struct posting *p = candidates(x, selector); p; p = p->next) {
        if (x->budget == 0)
            return true;
        x->budget--;
        if (selector_matches(selector, p->set))
            return true;
    }
    return false;
}
