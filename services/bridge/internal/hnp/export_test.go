package hnp

// ReadAtMost bounds how much of an answer is read.
func (c *Client) ReadAtMost(bytes int) { c.most = bytes }
