body='__BODY__'
signature=$(printf '%s' "$body" |
  openssl dgst -sha256 -hmac '__KEY__' -binary | base64)
curl '__URL__' \
  -H "__HEADER__: __BEFORE__$signature" \
__HEADERS__  -H 'Content-Type: application/json' \
  -d "$body"
