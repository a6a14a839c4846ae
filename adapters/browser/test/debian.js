// Lets tests import React, and a `vue` that has what Vue documents, as pages do.

import { existsSync } from 'node:fs';
import { register } from 'node:module';

const FOLDER = '/usr/share/nodejs/';

export const hasReact = existsSync(`${FOLDER}react/index.js`);

register(`data:text/javascript,${encodeURIComponent(`
    export function resolve(name, context, next) {
        if (name === 'react') return { url: 'file://${FOLDER}react/index.js', format: 'commonjs', shortCircuit: true };
        if (name === 'vue') return { url: ${JSON.stringify(new URL('fake-vue.js', import.meta.url).href)}, format: 'module', shortCircuit: true };
        return next(name, context);
    }`)}`);
