/* SPDX-License-Identifier: MIT */
/* The hash of an avatar in a vcard-temp (XEP-0153), for whoever keeps vCards. */
#ifndef PHOTO_H
#define PHOTO_H

#include <xylem/xylem.h>

static inline struct xy_str
photo_without_space(struct xy_str text)
{
    char *out = xy_temp_alloc(text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++)
        if (!memchr(" \t\r\n", text.at[i], 4))
            out[len++] = text.at[i];
    return xy_str_of(out, len);
}

/* Hex SHA-1 of the image of an element <PHOTO/>, absent when there is none that can be read. */
static inline struct xy_str
photo_hash(const struct xy_node *photo)
{
    struct xy_str image;
    const struct xy_node *bytes =
        photo ? xy_node_child(photo, XY_STR(XY_NS_VCARD), XY_STR("BINVAL")) : NULL;
    if (!bytes || !(image = photo_without_space(xy_node_text(bytes))).len ||
        xy_temp_unbase64(image, &image) != XY_OK || !image.len)
        return XY_NO_STR;
    unsigned char digest[XY_HASH_MAX];
    xy_hash_digest(XY_SHA1, image, digest);
    return xy_temp_hex(xy_str_of((const char *)digest, xy_hash_size(XY_SHA1)));
}

#endif
