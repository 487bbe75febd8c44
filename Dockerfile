# One image for server, agent and command line. Tasks run in the agent's container: put what they need (Python, CUDA) into an
# image made FROM this one.
FROM node:22.21.1-bookworm-slim AS build
WORKDIR /opt/weft
COPY package.json package-lock.json ./
RUN npm ci --include=dev --include=optional --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:22.21.1-bookworm-slim
WORKDIR /opt/weft
# The optional dependency is a Postgres for local clusters, which nobody needs here.
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund && npm cache clean --force
COPY --from=build /opt/weft/dist dist
COPY bin bin
COPY proto proto
COPY migrations migrations
COPY examples examples
# Volumes take over the owner of these folders when they are first used.
RUN groupadd --gid 10001 weft \
 && useradd --uid 10001 --gid weft --create-home weft \
 && install -d -o weft -g weft /var/lib/weft /var/lib/weft-agent \
 && ln -s /opt/weft/bin/weft.mjs /usr/local/bin/weft \
 && chmod 755 /opt/weft/bin/weft.mjs
USER weft
ENV NODE_ENV=production
EXPOSE 8080 8081
ENTRYPOINT ["weft"]
CMD ["--help"]
