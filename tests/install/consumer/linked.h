#pragma once

// True if something of every header links and works.
bool links_everything();
