/* The table of a connection's allowed moves. */
#include "../../lib/test.h"

#include "../../../src/net/conn.h"

TEST(moves_lead_forward_only)
{
    static const struct {
        enum conn_state from;
        const char *to; /* the states it may move to, in order */
    } rows[CONN_STATES] = {
        {CONN_HANDSHAKE, "h2 http1 closed "},
        {CONN_H2, "leaving closed "},
        {CONN_HTTP1, "leaving closed "},
        {CONN_LEAVING, "closed "},
        {CONN_CLOSED, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf got;

        buf_init(&got, 256);
        for (enum conn_state to = 0; to < CONN_STATES; to++)
            if (conn_may_move(rows[i].from, to))
                buf_printf(&got, "%s ", conn_state_name(to));
        EXPECT_STR(conn_state_name(rows[i].from), buf_str(&got), rows[i].to);
        buf_fini(&got);
    }
}
