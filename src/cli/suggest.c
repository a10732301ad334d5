/* suggest.c -- see command.h: what a mistyped word was meant to be. */
#include "command.h"

#define MAX_WORD 64

/* Insertions, removals, replacements and swaps of neighbours that make 'b' of 'a'. */
static size_t distance(struct str a, struct str b)
{
    size_t rows[3][MAX_WORD + 1], *older = rows[0], *old = rows[1], *now = rows[2];

    for (size_t j = 0; j <= b.n; j++)
        old[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = old[j - 1] + (a.p[i - 1] != b.p[j - 1]);

            if (old[j] + 1 < best)
                best = old[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                older[j - 2] + 1 < best)
                best = older[j - 2] + 1;
            now[j] = best;
        }
        size_t *spare = older;
        older = old;
        old = now;
        now = spare;
    }
    return old[b.n];
}

struct str suggest_nearest(struct str word, const struct str *candidates, size_t n)
{
    struct str nearest = STR_NONE;
    size_t best = word.n / 3 + 2; /* as many slips are too many to be sure */

    if (word.n == 0 || word.n > MAX_WORD)
        return nearest;
    for (size_t i = 0; i < n; i++) {
        if (candidates[i].n == 0 || candidates[i].n > MAX_WORD)
            continue;
        size_t d = distance(word, candidates[i]);

        if (d < best && d < candidates[i].n) {
            best = d;
            nearest = candidates[i];
        }
    }
    return nearest;
}

struct str suggest_text(struct arena *a, struct str word, const struct str *candidates, size_t n)
{
    struct str nearest = suggest_nearest(word, candidates, n);

    return nearest.n ? arena_printf(a, "; did you mean " STR_FMT "?", STR_ARG(nearest)) : STR("");
}
