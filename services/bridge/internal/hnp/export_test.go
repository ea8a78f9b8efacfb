package hnp

// ReadAtMost bounds how much of an answer is read.
func (c *Client) ReadAtMost(bytes int) { c.most = bytes }

// ReadOfList bounds how much of a list is read.
func (c *Client) ReadOfList(bytes int) { c.mostOfList = bytes }

// CleanJSON returns an answer without the token.
func (c *Client) CleanJSON(raw []byte) []byte { return c.cleanJSON(raw) }
