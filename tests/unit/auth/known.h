/* known.h -- keys and tokens made with the openssl program, not with Ursa: what other implementations sign
 * must be understood. The keys guard nothing. */
#ifndef URSA_TESTS_AUTH_KNOWN_H
#define URSA_TESTS_AUTH_KNOWN_H

/* "dp-1" of mesh "demo", kuma.io/service web or web-api, valid from 1799999700 to 2000000000. */
static const char known_rsa_key[] = "-----BEGIN RSA PRIVATE KEY-----\n"
                                    "MIIEoQIBAAKCAQEAyLe+SHKU/TqrPmVjb4TdRQPeBSAl1T/PBaR4D5pJseBRc4ny\n"
                                    "BnJ8hJeFy92U1e/NKcrGD6DCP5K3yIp/rIoGj8SxdOk4Sjd6Qgw85JiiTwHDujbZ\n"
                                    "XCowMRbXg0HKE0zTNSiQe0puF85Ufp1XTlUSJhXC3P2yK80NaCLK3MZlBPhressn\n"
                                    "aRj8gM+CRlOkvLURnFF9XHUDkw6SeAHnFvpswsVtE8RCZ1HDSyVyHWPtHX/N3A0I\n"
                                    "uQbo4M3ZGVsTdAjc8QIakpH3mgZ7VVbZ9TXrYnhbN74wAUmJSF0SV0wWtv7tSE63\n"
                                    "IKGCTJ8/fCXWrx9itliszC+D1bjmkW8TLFZCSwIDAQABAoH/N6q+G1mr+I9M7wEv\n"
                                    "kr5Gn91ytfk0hPAtemMi6TDhP3P3IxQfC6q03hEoCmJp5Ouc+vpB9BOhy//k+Llw\n"
                                    "r2mYaEck8Ee+VNcOEUNToBK08TSMFBkiL22D8BllrAGTCcdEzHlzmL4Lyo5u4K7C\n"
                                    "h/cQEX/3i1LRF1THYxpDKPfdDINbbYTRb6v7QlumRViCFo36mVoDExGbcqFmNYRt\n"
                                    "Ql9KJoNKT+fm5VcPGNgmcEOY0q3rrK8IozubATOrBEVMOj3InloGZwwhux1ucdcK\n"
                                    "TsJxWVVgeFRhu3ihuxdanSu95KzoAF4HLVNH9xDVGgAXKtcR2vqPajuREsdF6m8h\n"
                                    "FDNhAoGBAO1In7O8a/sEJMp+rC4czNyTcAXsqNBhPQJK53beWOdxNAq4X/3XgiRR\n"
                                    "fAk7NhCdS7UocYhz41A74i+Qr4uxF7IiR4UVzABu6LmltgRZ2xEnyUQsb3Mer9fy\n"
                                    "hMdKLx0tDMpbbKKGWtxfWHIOfeaIMQkVu8wPdIoMRNja2TVHKRSbAoGBANiMwgB0\n"
                                    "0yllzxp4WO+m5FwkiLpoS4t5EwQillfJlLmEwkYkmZSZwVx/azj9h9/K7OiNX0HQ\n"
                                    "zC85ckAuwAfEmpd7T7M4AVW22KoIylp7oEJmwhtbsJ/RGi7N1GG/gKZgx5d4hDpN\n"
                                    "SJoQFQ25+izX23eSA/FYhPUT7WVZ5QdQJ+wRAoGASWAN0pzPn13Wqq+lOtU5HHST\n"
                                    "TaGzSkznetAC56U2RMui1jXRqUN9QRHZk1k2DMk3YhvRj+qWPndmKGNLhZ0LwNAM\n"
                                    "4cCtxuyFFvOBZ7MJpTJycJx1ElpI8jRSjvYHv7PwoprG6zM04bSyOwL0N9ehojeQ\n"
                                    "TTfyR8YnfA+g33LT50UCgYA+pfo6R5IPl/Sio86XBqFqRueHhkTUxOJLf/Yez6LH\n"
                                    "STErOct0wka+i95pTm/QvtRrMvsr/0wTHXuANgY4ORjAWlxkbP913MAx8PkZ1Eo4\n"
                                    "66GcaJpgog4BHGslHFIL0FPt7l/SvikS6TQuFG/cKVbE8OlTGVjdzjYP7EHmK7ph\n"
                                    "AQKBgQCfbtWlkZ7q+U/5J+KDzQc5AA97LMe1Dm60FOZCZs2qYvtB/EoU8aGDLARD\n"
                                    "aSu43ofFAZH0fI/Tg3ktvHkJX7bXf99W6L5GWLrXedwSg/2eQzIioWTNZA3XAzii\n"
                                    "cLv9Y7UMDedG92GDWYYAM5Mc0UmKjKE+iW3AMkOrOJZF0+kN1g==\n"
                                    "-----END RSA PRIVATE KEY-----\n";
static const char known_rs256[] =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEiLCJ0eXAiOiJKV1QifQ.eyJOYW1lIjoiZHAtMSIsIk1lc2giOiJkZW1vIiwiVGFncyI6e"
    "yJrdW1hLmlvL3NlcnZpY2UiOlsid2ViIiwid2ViLWFwaSJdfSwiVHlwZSI6ImRhdGFwbGFuZSIsImV4cCI6MjAwMDAwMDAwMCwib"
    "mJmIjoxNzk5OTk5NzAwLCJpYXQiOjE4MDAwMDAwMDAsImp0aSI6IjBiMWM5ZjZlLTNkMWYtNGQwZS05YTYyLTJmMGY4YzNmMWExM"
    "SJ9.JbC3FJHD6W1Mt2ZL0hoMd9YzUrUOyos2-Z7HTEcU2n4Wb3Bb_G3zdEBZY_lpSq9qWhj6BEW5N4JLc_nWry21hwyxVGHndyKx"
    "yl98UZIBXr42w7iLbIUhXGNSTX9AWNnQAuGlellspbvzcsPJWefMh6SMk6KDm_eWExBSqe5gQHwhYzT1FZbACZn6PwrsiPj7Mda0"
    "7y9EWaowXWMRJdZSqX7JPS1SuaAeESueZ4vGWjyhtzxWdx_pvCm143vu1QddBGBmM_tPNNpYSwueUcUFnhQl5riyKA1U8-03j7MI"
    "5DDo28gZKGGFrosjQjPK8RUNoHtz0p75WK2CktPV6mAZ4g";
static const char known_ec_key[] = "-----BEGIN EC PARAMETERS-----\n"
                                   "BggqhkjOPQMBBw==\n"
                                   "-----END EC PARAMETERS-----\n"
                                   "-----BEGIN EC PRIVATE KEY-----\n"
                                   "MHcCAQEEIKDPtsDZkzE61S+BnAv6AaLx2rO/+8hpIKLwdIK499jpoAoGCCqGSM49\n"
                                   "AwEHoUQDQgAEc09yJUUCj9qFoXTgQjrssRkZ6/mWXVZo7qzSqrWKRUMijAZdqV00\n"
                                   "5zxX5nV09czetE/Tl1yJJ2cQEL/J3xs/8A==\n"
                                   "-----END EC PRIVATE KEY-----\n";
static const char known_es256[] =
    "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEiLCJ0eXAiOiJKV1QifQ.eyJOYW1lIjoiZHAtMSIsIk1lc2giOiJkZW1vIiwiVGFncyI6e"
    "yJrdW1hLmlvL3NlcnZpY2UiOlsid2ViIiwid2ViLWFwaSJdfSwiVHlwZSI6ImRhdGFwbGFuZSIsImV4cCI6MjAwMDAwMDAwMCwib"
    "mJmIjoxNzk5OTk5NzAwLCJpYXQiOjE4MDAwMDAwMDAsImp0aSI6IjBiMWM5ZjZlLTNkMWYtNGQwZS05YTYyLTJmMGY4YzNmMWExM"
    "SJ9.weVWRuVr8QmZ5933zVFwkMZJpSS35F5ILY71HzaQaeiyAALdY4KHbZCS1OX2lvts3U169mZAw5uN2zbppOsOwQ";

#endif
