/* Slots are distinct, come back, and run out. */
#include "../../lib/test.h"

#include <string.h>

#include "../../../src/net/frames.h"

#define N 8

TEST(slots_are_taken_and_given)
{
    struct frames f;
    char *slots[N];
    char elsewhere;

    frames_init(&f, N);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            slots[i] = frames_take(&f);
            EXPECT_TRUE("taken", slots[i] != NULL);
            EXPECT_TRUE("owned, to its last byte",
                        frames_own(&f, slots[i]) && frames_own(&f, slots[i] + FRAME_SLOT_SIZE - 1));
            memset(slots[i], i, FRAME_SLOT_SIZE);
        }
        EXPECT_TRUE("no more", frames_take(&f) == NULL);
        for (int i = 0; i < N; i++) {
            EXPECT_INT("nobody else wrote to it", slots[i][0] == i && slots[i][FRAME_SLOT_SIZE - 1] == i, 1);
            frames_give(&f, slots[i]);
        }
        frames_trim(&f);
    }
    EXPECT_TRUE("what is elsewhere is not owned", !frames_own(&f, &elsewhere) && !frames_own(&f, NULL));
    frames_fini(&f);
}

TEST(only_free_slots_are_trimmed)
{
    static const int given[] = {6, 1, 2};
    struct frames f;
    char *slots[N];

    frames_init(&f, N);
    for (int i = 0; i < N; i++) {
        slots[i] = frames_take(&f);
        memset(slots[i], 1, FRAME_SLOT_SIZE);
    }
    for (size_t i = 0; i < ARRAY_LEN(given); i++)
        frames_give(&f, slots[given[i]]);
    frames_trim(&f);
    for (int i = 0; i < N; i++) {
        bool was_given = i == 1 || i == 2 || i == 6;
        EXPECT_INT("first byte", slots[i][0], !was_given);
        EXPECT_INT("last byte", slots[i][FRAME_SLOT_SIZE - 1], !was_given);
    }
    EXPECT_TRUE("the lowest first", frames_take(&f) == slots[1] && frames_take(&f) == slots[2]);
    frames_fini(&f);
}
