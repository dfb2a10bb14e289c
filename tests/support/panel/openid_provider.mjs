// A real provider of OpenID Connect, of npm's oidc-provider: whoever types a name signs in by it. Arguments: the folder of npm's
// packages, the port, a file of people ({name: claims}), and the client as JSON.

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, port, people, client] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`));
const claimsOf = (id) => ({ sub: id, ...JSON.parse(readFileSync(people))[id] });
const keyOf = (type, options) => generateKeyPairSync(type, options).privateKey.export({ format: "jwk" });
const { inToken, ...given } = JSON.parse(client);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ grant_types: ["authorization_code"], response_types: ["code"], ...given }],
  claims: { openid: ["sub"], profile: ["name", "groups"], email: ["email", "email_verified"] },
  conformIdTokenClaims: !inToken,
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => claimsOf(id) }),
  jwks: { keys: [keyOf("rsa", { modulusLength: 2048 }), keyOf("ec", { namedCurve: "P-256" })] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ["of a test"] },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
