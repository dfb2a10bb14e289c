# Files and folders of the server, as the panel asks for them: the same promises as on the panel's own machine.
package Headway::Files;

use strict;

my ( $RDONLY, $WRONLY, $CREAT, $EXCL, $NONBLOCK, $NOCTTY ) = ( 0, 1, 0100, 0200, 04000, 0400 );
# Their numbers on machines with and without the ones of ARM.
my ( $DIRECTORY, $NOFOLLOW ) = ( 0200000, 0400000 );
my $PATH_ONLY = 010000000;
my %RENAME    = ( x86_64 => 316, aarch64 => 276, riscv64 => 276, loongarch64 => 276 );
my ( $EEXIST, $ENOTEMPTY, $ENOENT, $ENOTDIR, $ENXIO, $EISDIR, $ELOOP ) = ( 17, 39, 2, 20, 6, 21, 40 );
my $MOST_LINKS      = 40;
my $REMOVAL_SECONDS = 10;
my ( $MOST_LISTED, $LISTED_COST ) = ( 1 << 20, 32 );
my $rename_call;

sub choose {
    my ($machine) = @_;
    $rename_call = length( pack 'p', undef ) == 8 ? $RENAME{$machine} : undef;
    ( $DIRECTORY, $NOFOLLOW ) = ( 040000, 0100000 ) if $machine =~ /^(?:arm|aarch64)/;
    return;
}

# Each returns what is answered, or dies: with a text that begins with the kind of error where it is one of ours.
sub make_folder {
    my ( $path, $uid, $gid, $mode ) = @_;
    my @parts = grep { $_ ne '' } split m{/}, $path;
    my $last  = pop @parts;
    my $above = '';
    for my $part (@parts) {
        $above .= "/$part";
        next if -d $above;
        mkdir $above, 0711 or -d $above or fail();
        chmod 0711, $above;
    }
    mkdir $path, 0700 or $! == $EEXIST or fail();

    # By descriptor, and through no link: in a folder of somebody else the name may be another thing by now.
    sysopen my $opened, $path, $RDONLY | $DIRECTORY | $NOFOLLOW or fail();
    give( $opened, $uid, $gid, $mode );
    return;
}

sub write_file {
    my ( $path, $bytes, $uid, $gid, $mode, $lasting ) = @_;
    my ( $folder, $name ) = $path =~ m{^(.*)/([^/]+)$} or die "No such file or directory\n";

    # The folder of what is somebody else's is no link: it may be theirs as well.
    my $through = $uid eq '' ? 0 : $NOFOLLOW;
    sysopen my $above, $folder eq '' ? '/' : $folder, $RDONLY | $DIRECTORY | $through or fail();
    my $place = '/proc/self/fd/' . fileno $above;
    my $draft = sprintf '%s/.%08x%08x.new', $place, $$, int rand 0xffffffff;
    sysopen my $file, $draft, $WRONLY | $CREAT | $EXCL, 0600 or fail();
    my $done = eval {
        my $at = 0;
        while ( $at < length $bytes ) {
            $at += syswrite( $file, $bytes, length($bytes) - $at, $at ) // fail();
        }
        give( $file, $uid, $gid, $mode );
        Headway::Kernel::sync_file($file) if $lasting;
        rename $draft, "$place/$name" or fail();
        1;
    };
    my $error = $@;
    unlink $draft if !$done;
    die $error if !$done;
    Headway::Kernel::sync_folder($place) if $lasting;
    return;
}

# Writes bytes at an offset that the file reaches already; gives how long it is then. What it had beyond is cut off: it
# came over a link that broke.
sub append {
    my ( $path, $offset, $bytes ) = @_;
    sysopen my $file, $path, $WRONLY | $CREAT | $NOFOLLOW, 0600 or fail();
    return -s $file if -s $file < $offset;
    truncate $file, $offset or fail();
    sysseek $file, $offset, 0;
    my $at = 0;
    while ( $at < length $bytes ) {
        $at += syswrite( $file, $bytes, length($bytes) - $at, $at ) // fail();
    }
    return $offset + $at;
}

# How long a regular file is, 0 where there is none.
sub length_of {
    my ($path) = @_;
    return -f $path ? -s $path : 0;
}

# The files and links below a folder, those nearest to it first: whether there are more, then of each how long it is, its
# path there, and where it leads. Every folder is opened from the one above it, and none by a link.
sub list_files {
    my ( $folder, $deepest, @without ) = @_;
    sysopen my $top, $folder, $RDONLY | $DIRECTORY or fail();
    my %without = map { $_ => 1 } @without;
    my ( $left, @found ) = ($MOST_LISTED);
    my @todo = ('');
    while (@todo) {
        my $inside = shift @todo;
        my $opened = folder_below( $top, split m{/}, $inside ) or next;
        my $place  = '/proc/self/fd/' . fileno $opened;
        opendir my $entries, $place or next;
        while ( defined( my $entry = readdir $entries ) ) {
            next if $entry eq '.' || $entry eq '..';
            my $name = $inside eq '' ? $entry : "$inside/$entry";
            my ( $mode, $size ) = ( lstat "$place/$entry" )[ 2, 7 ];
            next if !defined $mode;
            my $target = $mode >> 12 == 10 ? readlink("$place/$entry") // '' : '';
            $left -= length($name) + length($target) + $LISTED_COST;
            return ( 1, @found ) if $left < 0;
            if ( $mode >> 12 == 4 ) {
                push @todo, $name if !$without{$entry} && ( $name =~ tr{/}{} ) + 1 < $deepest;
            }
            elsif ( $mode >> 12 == 10 || $mode >> 12 == 8 ) {
                push @found, $size, $name, $target;
            }
        }
    }
    return ( 0, @found );
}

sub folder_below {
    my ( $held, @parts ) = @_;
    for my $part (@parts) {
        sysopen my $below, '/proc/self/fd/' . fileno($held) . "/$part", $RDONLY | $DIRECTORY | $NOFOLLOW or return;
        $held = $below;
    }
    return $held;
}

# What changes whenever somebody changes what is at these paths themselves, or what a folder among them has.
sub stamps {
    my (@paths) = @_;
    return map {
        my @it = lstat;
        @it ? join ':', @it[ 0 .. 2, 4, 5, 7, 9, 10 ] : ''
    } @paths;
}

# Each by two fields: `read` and what is in it, `none` and nothing, or `failed` and why.
sub read_files {
    my ( $limit, $below, @paths ) = @_;
    return map { read_one( $_, $limit, $below ) } @paths;
}

sub read_one {
    my @asked = @_;
    my $bytes;
    return ( 'failed', $@ =~ /^(.*)/ ) if !eval { $bytes = read_file(@asked); 1 };
    return defined $bytes ? ( 'read', $bytes ) : ( 'none', '' );
}

sub read_file {
    my ( $path, $limit, $below ) = @_;
    my $opened = $below eq '' ? open_regular($path) : open_beneath( $below, $path );
    return if !$opened;
    my $bytes = '';
    while ( length $bytes < $limit ) {
        my $got = sysread $opened, $bytes, $limit - length $bytes, length $bytes;
        fail() if !defined $got;
        last if !$got;
    }
    return $bytes;
}

# A pipe or a device cannot hold us up.
sub open_regular {
    my ($path) = @_;
    if ( !sysopen my $opened, $path, $RDONLY | $NONBLOCK | $NOCTTY ) {
        return if grep { $! == $_ } $ENOENT, $ENOTDIR, $ENXIO, $EISDIR, $ELOOP;
        fail();
    }
    else {
        return -f $opened ? $opened : undef;
    }
}

# Every component is opened from the one before it, so that nobody can exchange one in between. Symbolic links are followed
# as long as they stay inside.
sub open_beneath {
    my ( $folder, $path ) = @_;
    # The folder itself is no link: whoever writes below it may have put one there.
    sysopen my $first, $folder, $PATH_ONLY | $DIRECTORY | $NOFOLLOW or return $! == $ENOENT ? () : fail();
    my $base  = readlink( '/proc/self/fd/' . fileno $first ) // fail();
    my @todo  = parts_of( $folder, $base, $path );
    my @stack = ($first);
    my $links = 0;
    while (@todo) {
        my $part = shift @todo;
        if ( $part eq '..' ) {
            die "outside\n" if @stack == 1;
            pop @stack;
            next;
        }
        my $above = '/proc/self/fd/' . fileno $stack[-1];
        if ( !sysopen my $opened, "$above/$part", $PATH_ONLY | $NOFOLLOW ) {
            return if $! == $ENOENT || $! == $ENOTDIR;
            fail();
        }
        else {
            push @stack, $opened;
        }
        next if ( stat $stack[-1] )[2] >> 12 != 10;
        pop @stack;
        die "outside\n" if ++$links > $MOST_LINKS;
        my $target = readlink "$above/$part";
        return if !defined $target;
        if ( $target =~ m{^/} ) {
            unshift @todo, parts_of( $folder, $base, $target );
            splice @stack, 1;
        }
        else {
            unshift @todo, split_path($target);
        }
    }
    return if !-f $stack[-1];
    sysopen my $found, '/proc/self/fd/' . fileno( $stack[-1] ), $RDONLY or fail();
    return $found;
}

sub parts_of {
    my ( $folder, $base, $target ) = @_;
    for my $top ( $folder, $base ) {
        return split_path( substr $target, length $top ) if $target eq $top || index( $target, "$top/" ) == 0;
    }
    die "outside\n";
}

sub split_path {
    my ($path) = @_;
    return grep { $_ ne '' && $_ ne '.' } split m{/}, $path;
}

# Leaves folders to `rm`, which walks by descriptors, follows no link and stands any depth.
sub remove_tree {
    my ($path) = @_;
    my $kind = ( lstat $path )[2];
    return if !defined $kind && $! == $ENOENT;
    if ( defined $kind && $kind >> 12 != 4 ) {
        unlink $path or $! == $ENOENT or fail();
        return;
    }
    my $deadline = Headway::Kernel::now() + $REMOVAL_SECONDS;
    while ( system 'rm', '-rf', '--', $path ) {    # somebody still writes into it
        die "Device or resource busy\n" if Headway::Kernel::now() > $deadline;
        select undef, undef, undef, 0.01;
    }
    return;
}

sub remove_files {
    my ( $folder, $prefix ) = @_;
    if ( !sysopen my $opened, $folder, $RDONLY | $DIRECTORY | $NOFOLLOW ) {
        return if $! == $ENOENT;
        fail();
    }
    else {
        my $place = '/proc/self/fd/' . fileno $opened;
        opendir my $entries, $place or fail();
        for my $name ( grep { index( $_, $prefix ) == 0 && $_ ne '.' && $_ ne '..' } readdir $entries ) {
            next if -d "$place/$name" && !-l "$place/$name";
            unlink "$place/$name" or $! == $ENOENT or fail();
        }
    }
    return;
}

sub move {
    my ( $source, $target ) = @_;
    my ( $here, $no_replace ) = ( -100, 1 );
    if ($rename_call) {
        return if syscall( $rename_call, $here, $source, $here, $target, $no_replace ) == 0;
        die "exists\n" if $! == $EEXIST || $! == $ENOTEMPTY;
        fail();
    }
    die "exists\n" if -e $target || -l $target;
    rename $source, $target or fail();
    return;
}

# Puts on the disk all that was written on the file systems of these paths.
sub sync_all {
    my %paths;
    for my $path (@_) {
        my ($device) = stat $path or next;
        $paths{$device} //= $path;
    }
    return if !%paths;
    system( 'sync', '--file-system', '--', sort values %paths ) == 0 or die "sync does not succeed\n";
    return;
}

sub free_bytes {
    my ($path) = @_;
    open my $answer, '-|', 'stat', '-f', '-c', '%a %S', '--', $path or fail();
    my $line = readline($answer) // '';
    close $answer;
    my ( $blocks, $size ) = $line =~ /^(\d+) (\d+)/ or die "No such file or directory\n";
    return $blocks * $size;
}

sub give {
    my ( $opened, $uid, $gid, $mode ) = @_;
    if ( $uid ne '' ) {
        chown $uid, $gid, $opened or fail();
    }
    chmod $mode, $opened or fail();
    return;
}

sub fail {
    die "$!\n";
}

1;
