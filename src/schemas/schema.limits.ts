/** How many properties a schema may name: enough for any form or order, and checking them all stays cheap. */
export const MAX_PROPERTIES = 200;

/** In code points, as for `user_id`. */
export const MAX_PROPERTY_NAME_CHARACTERS = 255;
